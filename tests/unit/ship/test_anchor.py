from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.checkpoint import Checkpoint, open_checkpoint
from sidecar.ledger.keys import read_public
from sidecar.ledger.layout import checkpoint_name
from sidecar.ledger.tiles import TileFolder
from sidecar.ship.anchor import AnchorInvalid, RolledBack, check_continues, largest_checkpoint
from sidecar.ship.destination import Unavailable
from sidecar.ship.store import FolderStore
from tests.unit.ship.ledgers import WrittenLog, event

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(log: WrittenLog, tmp_path: Path) -> FolderStore:
    """An archive with the checkpoints of sizes 1 to 3."""
    store = FolderStore(tmp_path / "archive")
    for _ in range(3):
        size = log.write_signed(event())
        store.create(f"{log.log_id}/{checkpoint_name(size)}", log.layout.checkpoint.read_bytes())
    return store


def test_the_largest_is_found(log: WrittenLog, archive: FolderStore, tmp_path: Path) -> None:
    del archive
    keys = read_public(log.public_file)
    newest = open_checkpoint(log.layout.checkpoint.read_bytes(), keys)
    assert largest_checkpoint(str(tmp_path / "archive"), log.log_id, keys) == newest
    assert largest_checkpoint((tmp_path / "archive").as_uri(), log.log_id, keys) == newest


def test_an_archive_that_knows_nothing_of_the_log(log: WrittenLog, archive: FolderStore, tmp_path: Path) -> None:
    del archive
    assert largest_checkpoint(str(tmp_path / "archive"), "f" * 32, []) is None
    assert largest_checkpoint(str(tmp_path / "other"), log.log_id, []) is None


def test_what_is_no_checkpoint_of_ours_is_no_silence(log: WrittenLog, archive: FolderStore, tmp_path: Path) -> None:
    archive.create(f"{log.log_id}/{checkpoint_name(7)}", b"nonsense")
    with pytest.raises(AnchorInvalid, match="0007"):
        largest_checkpoint(str(tmp_path / "archive"), log.log_id, read_public(log.public_file))


def test_one_under_the_name_of_another_size_is_told(log: WrittenLog, archive: FolderStore, tmp_path: Path) -> None:
    archive.create(f"{log.log_id}/{checkpoint_name(9)}", log.layout.checkpoint.read_bytes())
    with pytest.raises(AnchorInvalid, match="holds the checkpoint of size 3"):
        largest_checkpoint(str(tmp_path / "archive"), log.log_id, read_public(log.public_file))


def test_without_the_keys_it_says_so(log: WrittenLog, archive: FolderStore, tmp_path: Path) -> None:
    del archive
    with pytest.raises(AnchorInvalid, match=r"its \.pub file"):
        largest_checkpoint(str(tmp_path / "archive"), log.log_id, [])


def test_an_archive_that_cannot_be_asked_is_no_silence(tmp_path: Path) -> None:
    (tmp_path / "archive").write_bytes(b"a file")
    with pytest.raises(Unavailable):
        largest_checkpoint(str(tmp_path / "archive"), "f" * 32, [])


def test_foreign_names_are_passed_over(log: WrittenLog, archive: FolderStore, tmp_path: Path) -> None:
    archive.create(f"{log.log_id}/checkpoints/zzzz", b"")
    found = largest_checkpoint(str(tmp_path / "archive"), log.log_id, read_public(log.public_file))
    assert found is not None
    assert found.size == 3


def signed(log: WrittenLog) -> Checkpoint:
    return open_checkpoint(log.layout.checkpoint.read_bytes(), read_public(log.public_file))


def test_a_log_continues_each_of_its_checkpoints(log: WrittenLog) -> None:
    read = TileFolder(log.layout.ledger_dir).read
    check_continues(None, None, read)
    anchored: list[Checkpoint] = []
    for _ in range(5):
        log.write_signed(*[event()] * 100)
        anchored.append(signed(log))
    for each in anchored:
        check_continues(each, anchored[-1], read)


def test_a_log_that_was_rolled_back_is_told(log: WrittenLog) -> None:
    read = TileFolder(log.layout.ledger_dir).read
    log.write_signed(event())
    older = signed(log)
    log.write_signed(event())
    for present, size in ((older, 1), (None, 0)):
        with pytest.raises(RolledBack, match=f"over 2 records, and the log one over {size}: it was rolled back"):
            check_continues(signed(log), present, read)


def test_a_log_with_other_records_is_told(log: WrittenLog, tmp_path: Path) -> None:
    """As when an older copy of the folder was started anew, and has grown since."""
    with WrittenLog(tmp_path / "other" / "0") as other:
        other.write_signed(event("stop"), event())
        log.write_signed(event(), event(), event())
        with pytest.raises(RolledBack, match="the first 2 records are not those that were archived"):
            check_continues(signed(other), signed(log), TileFolder(log.layout.ledger_dir).read)


def test_where_retention_was_the_size_is_all_that_counts(log: WrittenLog, caplog: pytest.LogCaptureFixture) -> None:
    log.write_signed(*[event()] * 100)
    older = signed(log)
    log.write_signed(*[event()] * 300)
    (log.layout.ledger_dir / "tile/0/000").unlink()
    check_continues(older, signed(log), TileFolder(log.layout.ledger_dir).read)
    assert "only the size" in caplog.text
