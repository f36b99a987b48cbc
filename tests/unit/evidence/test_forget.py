from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.audit.salts import Salts
from sidecar.evidence.forget import NotForgotten, forget, salt_file
from tests.support import FixedClock
from tests.unit.evidence.ledgers import Writer, verified, written

if TYPE_CHECKING:
    from pathlib import Path

DAY, NEXT = "2026-11-21", "2026-11-22"


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    written(tmp_path / "audit")
    Salts(tmp_path / "audit", FixedClock()).current()
    return tmp_path / "audit"


def test_a_forgotten_day_leaves_the_tree_valid(audit_dir: Path) -> None:
    assert forget(audit_dir, DAY, NEXT) == audit_dir / "salts" / f"{DAY}.salt"
    assert list((audit_dir / "salts").glob("*.salt")) == []
    assert verified(audit_dir).holds


@pytest.mark.parametrize("period", ["", "today", "20261121", "2026-13-01", "../2026-11-21"])
def test_what_is_no_day_is_refused(audit_dir: Path, period: str) -> None:
    with pytest.raises(NotForgotten, match="is no period"):
        salt_file(audit_dir, period)


def test_a_day_without_a_salt_is_refused(audit_dir: Path) -> None:
    with pytest.raises(NotForgotten, match="forgotten already"):
        forget(audit_dir, "2026-11-20", NEXT)


def test_the_current_day_is_refused_while_a_sidecar_runs_unless_forced(audit_dir: Path) -> None:
    running = Writer(audit_dir)
    with pytest.raises(NotForgotten, match="a sidecar writes to"):
        forget(audit_dir, DAY, DAY)
    assert salt_file(audit_dir, DAY).exists()
    forget(audit_dir, DAY, DAY, force=True)
    running.close()


def test_the_current_day_may_go_when_no_sidecar_runs(audit_dir: Path) -> None:
    forget(audit_dir, DAY, DAY)
    Writer(audit_dir).close()  # the lock was given back
