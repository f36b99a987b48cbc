from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.layout import Layout, checkpoint_name
from sidecar.ship.check import DIFFERS, UNAVAILABLE, main
from sidecar.ship.store import FolderStore
from tests.unit.ship.ledgers import WrittenLog, event

if TYPE_CHECKING:
    from pathlib import Path


def archived(log: WrittenLog, store: FolderStore) -> None:
    size = log.write_signed(event())
    store.create(f"{log.log_id}/{checkpoint_name(size)}", log.layout.checkpoint.read_bytes())


def checked(slot_dir: Path, log: WrittenLog, archive: str) -> int:
    return main(["--slot-dir", str(slot_dir), "--public-key", str(log.public_file), "--archive", archive])


def test_a_log_that_continues_its_archive(log: WrittenLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archived(log, FolderStore(tmp_path / "archive"))
    log.write_signed(event())
    assert checked(log.layout.slot_dir, log, str(tmp_path / "archive")) == 0
    assert capsys.readouterr().out == ""


def test_a_log_that_was_put_back(log: WrittenLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = FolderStore(tmp_path / "archive")
    archived(log, store)
    older = Layout(tmp_path / "older")
    shutil.copytree(log.layout.slot_dir, older.slot_dir)
    archived(log, store)
    assert checked(older.slot_dir, log, str(tmp_path / "archive")) == DIFFERS
    assert "it was rolled back" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"no note\n"])
def test_a_checkpoint_that_nobody_signed(
    content: bytes, log: WrittenLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archived(log, FolderStore(tmp_path / "archive"))
    log.layout.checkpoint.write_bytes(content)
    assert checked(log.layout.slot_dir, log, str(tmp_path / "archive")) == DIFFERS
    assert "note" in capsys.readouterr().out


def test_an_archive_that_cannot_be_asked(log: WrittenLog, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archived(log, FolderStore(tmp_path / "archive"))
    folder = tmp_path / "archive" / log.log_id / "checkpoints"
    shutil.rmtree(folder)
    folder.write_bytes(b"a file where a folder should be")
    assert checked(log.layout.slot_dir, log, str(tmp_path / "archive")) == UNAVAILABLE
    assert str(tmp_path / "archive") in capsys.readouterr().out
