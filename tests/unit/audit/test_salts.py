from __future__ import annotations

import hashlib
import hmac
import stat
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.salts import Salts, salt_path
from sidecar.model.refusal import Refused
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

TO_MIDNIGHT_S = 86_400 - 1_795_300_000 % 86_400


def test_a_days_salt_is_made_on_first_use_and_read_by_others(tmp_path: Path) -> None:
    directory = tmp_path / "salts"
    salt = Salts(tmp_path, FixedClock()).current()
    path = directory / "2026-11-21.salt"
    assert list(directory.iterdir()) == [path]
    assert (len(path.read_bytes()), stat.S_IMODE(path.stat().st_mode)) == (32, 0o600)
    assert salt.name == f"2026-11-21.{salt.digest(b'salt')[:8]}"
    assert salt.digest(b"body") == hmac.new(path.read_bytes(), b"body", hashlib.sha256).hexdigest()
    assert Salts(tmp_path, FixedClock()).current().digest(b"body") == salt.digest(b"body")


def test_the_next_day_has_another_salt_and_a_clock_set_back_the_old_one(tmp_path: Path) -> None:
    clock = FixedClock()
    salts = Salts(tmp_path, clock)
    first = salts.current()
    clock.advance(TO_MIDNIGHT_S - 1)
    assert salts.current() is first
    clock.advance(1)
    second = salts.current()
    assert (second.name[:10], second.digest(b"a") == first.digest(b"a")) == ("2026-11-22", False)
    clock.advance(-1)
    assert (salts.current().name, salts.current().digest(b"a")) == (first.name, first.digest(b"a"))


@pytest.mark.parametrize("period", ["", "today", "20261121", "2026-W47-6", "2026-13-01", "2026-11-21/", "../x"])
def test_what_is_no_day_has_no_salt(tmp_path: Path, period: str) -> None:
    with pytest.raises(ValueError, match="is no period"):
        salt_path(tmp_path, period)


def test_a_deleted_salt_is_forgotten(tmp_path: Path) -> None:
    before = Salts(tmp_path, FixedClock()).current()
    salt_path(tmp_path, "2026-11-21").unlink()
    after = Salts(tmp_path, FixedClock()).current()
    assert after.digest(b"person") != before.digest(b"person")
    assert after.name != before.name


def test_a_salt_of_a_wrong_size_or_out_of_reach_makes_the_audit_unavailable(tmp_path: Path) -> None:
    salt_path(tmp_path, "2026-11-21").parent.mkdir()
    salt_path(tmp_path, "2026-11-21").write_bytes(b"short")
    (tmp_path / "file").write_bytes(b"")
    for audit_dir in (tmp_path, tmp_path / "file"):
        with pytest.raises(Refused, match="audit_unavailable"):
            Salts(audit_dir, FixedClock()).current()
