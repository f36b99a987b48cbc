from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.checkpoints import newest_provable, newest_recorded
from sidecar.evidence.folders import find_logs
from tests.unit.evidence.ledgers import archived, without_partial_tiles, written

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.evidence.folders import LogFolder


def folder_of(path: Path) -> LogFolder:
    (found,) = find_logs(path)
    return found


def test_a_ledger_has_one(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit")
    log = folder_of(ledger)
    assert newest_provable(log) == newest_recorded(log) == ledger / "checkpoint"
    (ledger / "checkpoint").unlink()
    assert (newest_provable(log), newest_recorded(log)) == (None, None)


def test_of_an_archive_it_is_the_newest_that_can_be_checked_by_what_is_there(tmp_path: Path) -> None:
    """Three were sent, of sizes 120, 240 and 360; the newest segment was not."""
    archive = archived(tmp_path)
    (archive / "checkpoints" / "zzzz").touch()
    log = folder_of(archive)
    assert newest_provable(log) == archive / "checkpoints" / f"{360:020}"
    assert newest_recorded(log) == archive / "checkpoints" / f"{240:020}"
    assert newest_provable(folder_of(without_partial_tiles(archive))) == archive / "checkpoints" / f"{240:020}"
    for segment in (archive / "records").iterdir():
        segment.unlink()
    assert (newest_provable(log), newest_recorded(log)) == (None, None)
