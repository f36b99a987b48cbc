from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.policies import GRACE_S, KeptPolicies, oldest_record_unix_s, read_kept
from tests.support import FixedClock
from tests.unit.evidence.ledgers import Writer, event

if TYPE_CHECKING:
    from pathlib import Path

OLD, MIDDLE, NEW = "0" * 16, "1" * 16, "2" * 16
DAY_S = 86_400.0


def test_what_is_kept_is_read_back_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    KeptPolicies(tmp_path, FixedClock()).keep(NEW, b"bundle")
    (file,) = (tmp_path / "policies").iterdir()
    assert file.name == f"{NEW}.tar.gz"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_kept(tmp_path, NEW) == b"bundle"


def test_keeping_again_mends_a_damaged_file(tmp_path: Path) -> None:
    kept = KeptPolicies(tmp_path, FixedClock())
    kept.keep(NEW, b"bundle")
    (tmp_path / "policies" / f"{NEW}.tar.gz").write_bytes(b"bun")
    kept.keep(NEW, b"bundle")
    assert read_kept(tmp_path, NEW) == b"bundle"


@pytest.mark.parametrize("revision", [OLD, "", "../../etc/passwd", "r1+r2", "0" * 65])
def test_what_is_not_kept_or_no_hash_is_none(tmp_path: Path, revision: str) -> None:
    assert read_kept(tmp_path, revision) is None


def test_a_revision_that_is_no_hash_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not the hash"):
        KeptPolicies(tmp_path, FixedClock()).keep("../x", b"")
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = KeptPolicies(tmp_path, FixedClock())
    (tmp_path / "policies" / f"{NEW}.tar.gz").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        kept.keep(NEW, b"bundle")
    assert os.listdir(tmp_path / "policies") == [f"{NEW}.tar.gz"]


def _three(tmp_path: Path) -> tuple[KeptPolicies, FixedClock]:
    """Activated a day apart."""
    clock = FixedClock()
    kept = KeptPolicies(tmp_path, clock)
    for revision in (OLD, MIDDLE, NEW):
        kept.keep(revision, revision.encode())
        clock.advance(DAY_S)
    return kept, clock


def test_a_policy_stays_as_long_as_a_record_may_name_it(tmp_path: Path) -> None:
    kept, clock = _three(tmp_path)
    newest_unix_s = clock.unix_s() - DAY_S
    assert kept.prune(newest_unix_s + GRACE_S) == []
    assert kept.prune(newest_unix_s + GRACE_S + 1) == [OLD, MIDDLE]
    assert [read_kept(tmp_path, revision) for revision in (OLD, MIDDLE, NEW)] == [None, None, NEW.encode()]


def test_the_active_policy_stays_whatever_the_clock_says(tmp_path: Path) -> None:
    kept, clock = _three(tmp_path)
    clock.advance(-30 * DAY_S)
    kept.keep(OLD, b"again")
    assert kept.prune(clock.unix_s() + 300 * DAY_S) == [NEW]
    assert read_kept(tmp_path, OLD) == b"again"


def test_a_policy_counts_from_when_it_was_replaced(tmp_path: Path) -> None:
    kept, clock = _three(tmp_path)
    KeptPolicies(tmp_path, clock).keep("3" * 16, b"by a process that did not go on")
    clock.advance(30 * DAY_S)
    kept.keep("4" * 16, b"newest")
    assert kept.prune(clock.unix_s() - GRACE_S) == [OLD, MIDDLE]
    assert read_kept(tmp_path, NEW) == NEW.encode()


def _log_from(audit_dir: Path, unix_s: float) -> None:
    """A log whose oldest record is of that time."""
    writer = Writer(audit_dir, clock=FixedClock(unix_s))
    writer.write(event("start"))
    writer.clock.advance(DAY_S)
    writer.write(event("stop"))
    writer.close()


def test_keeping_one_deletes_those_that_no_record_can_name(tmp_path: Path) -> None:
    audit_dir = tmp_path / "audit"
    kept, clock = _three(audit_dir)
    assert oldest_record_unix_s(audit_dir) is None
    _log_from(audit_dir, clock.unix_s() - DAY_S / 2)
    assert oldest_record_unix_s(audit_dir) == clock.unix_s() - DAY_S / 2
    kept.keep("3" * 16, b"newest")
    assert sorted(path.name[0] for path in (audit_dir / "policies").iterdir()) == ["1", "2", "3"]


def test_where_a_log_is_damaged_nothing_is_deleted(tmp_path: Path) -> None:
    audit_dir = tmp_path / "audit"
    kept, clock = _three(audit_dir)
    _log_from(audit_dir, clock.unix_s() + 30 * DAY_S)
    (segment,) = (audit_dir / "0" / "ledger" / "records").iterdir()
    segment.write_bytes(b"\0" * 100)
    kept.keep("3" * 16, b"newest")
    assert len(list((audit_dir / "policies").iterdir())) == 4
