from __future__ import annotations

import errno
import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger import notary as module
from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.merkle import HASH_BYTES, leaf_hash
from sidecar.ledger.notary import NotaryThread, Snapshot
from sidecar.ledger.proofs import inclusion_proof, verify_inclusion
from sidecar.ledger.tiles import TileFolder, parse_tile_path
from tests.unit.ledger.faulty import Fail, FaultyFiles
from tests.unit.ledger.logs import Log, root_of, scratch

if TYPE_CHECKING:
    from pathlib import Path


def tiles(log: Log) -> set[tuple[int, int, int]]:
    folder = log.layout.ledger_dir
    paths = [path for path in (folder / "tile").rglob("*") if path.is_file()]
    assert all(
        len(path.read_bytes()) == parse_tile_path(str(path.relative_to(folder)))[2] * HASH_BYTES for path in paths
    )
    return {parse_tile_path(str(path.relative_to(folder))) for path in paths}


def assert_signed(log: Log) -> None:
    """The checkpoint is over all records, and its tiles prove each."""
    signer = log.ledger.signer
    signed = open_checkpoint(log.layout.checkpoint.read_bytes(), [signer.verifier], signer.name)
    assert (signed.size, signed.root) == (len(log.records), root_of(log.records))
    read = TileFolder(log.layout.ledger_dir).read
    for index in range(0, signed.size, 37):
        proof = inclusion_proof(read, index, signed.size)
        verify_inclusion(leaf_hash(log.records[index]), index, signed.size, proof, signed.root)


def test_a_checkpoint_has_its_tiles_and_no_others(tmp_path: Path) -> None:
    log = Log(tmp_path, segment_bytes=1 << 20)
    seen: list[set[tuple[int, int, int]]] = []
    for count in (3, 0, 253, 1, 300):
        log.commit(*[60] * count)
        log.sign()
        assert_signed(log)
        seen.append(tiles(log))
    assert seen == [
        {(0, 0, 3)},
        {(0, 0, 3)},
        {(0, 0, 256), (1, 0, 1)},
        {(0, 0, 256), (0, 1, 1), (1, 0, 1)},
        {(0, 0, 256), (0, 1, 256), (0, 2, 45), (1, 0, 2)},
    ]
    assert [path for path in log.layout.ledger_dir.rglob("*.p") if not any(path.iterdir())] == []
    log.close()


def test_a_reader_that_has_a_checkpoint_finds_its_tiles(tmp_path: Path) -> None:
    """Seen at each call: tiles come first, and those of the checkpoint before go last."""
    files = FaultyFiles(tmp_path / "audit" / "0" / "draft")
    log = Log(tmp_path, files, segment_bytes=1 << 20)
    log.commit(60)
    log.sign()
    looks = itertools.count()

    def look(_: object) -> None:
        next(looks)
        signer = log.ledger.signer
        signed = open_checkpoint(log.layout.checkpoint.read_bytes(), [signer.verifier], signer.name)
        inclusion_proof(TileFolder(log.layout.ledger_dir).read, 0, signed.size)

    files.before = files.after = look
    for count in (200, 100, 300):
        log.commit(*[60] * count)
        log.sign()
    assert next(looks) > 20
    files.before = files.after = lambda _: None
    log.close()


@given(counts=st.lists(st.integers(0, 150), min_size=1, max_size=6), fails=st.lists(st.integers(0, 30), max_size=4))
def test_whatever_call_fails_the_next_try_makes_up_for_it(counts: list[int], fails: list[int]) -> None:
    with scratch() as folder:
        files = FaultyFiles(folder / "audit" / "0" / "draft")
        log = Log(folder, files, segment_bytes=1 << 20)
        begun = len(files.calls)
        Fail(
            files,
            lambda each: each.name in {"publish", "remove", "reserve"} and len(files.calls) - begun - 1 in fails,
            errno.ENOSPC,
        )
        for count in counts:
            log.commit(*[60] * count)
            for _ in range(len(fails) + 1):
                try:
                    log.sign()
                except OSError:
                    continue
                break
        assert_signed(log)
        signed_widths = {(level, index) for level, index, width in tiles(log) if width < 256}
        assert len(signed_widths) == len([each for each in tiles(log) if each[2] < 256])
        assert (log.notary.backlog, log.notary.signed_size) == (0, len(log.records))
        log.close()


def test_tiles_that_are_there_already_are_not_written_again(tmp_path: Path) -> None:
    log = Log(tmp_path, segment_bytes=1 << 20)
    log.commit(*[60] * 300)
    log.sign()
    log.kill()
    files = FaultyFiles(tmp_path / "audit" / "0" / "draft")
    again = Log(tmp_path, files, segment_bytes=1 << 20)
    assert [tile.width for tile in again.ledger.recovered.tiles] == [256]
    again.sign()
    assert [call.file for call in files.calls if call.name == "publish"] == ["checkpoint"]
    again.close()


def test_partial_tiles_that_a_crash_left_are_deleted(tmp_path: Path) -> None:
    log = Log(tmp_path, segment_bytes=1 << 20)
    log.commit(60)
    log.sign()
    log.commit(60)
    log.kill()
    left = log.layout.ledger_dir / "tile" / "0" / "007.p" / "9"
    left.parent.mkdir()
    left.write_bytes(bytes(9 * HASH_BYTES))
    again = Log(tmp_path, segment_bytes=1 << 20)
    again.sign()
    assert tiles(again) == {(0, 0, 2)}
    assert not left.parent.exists()
    again.close()


def test_one_reserve_is_enough(tmp_path: Path) -> None:
    files = FaultyFiles(tmp_path / "audit" / "0" / "draft")
    log = Log(tmp_path, files)
    begun = len(files.calls)
    log.notary.reserve(log.appender)
    assert (files.calls[begun:], log.appender.has_reserve) == ([], True)
    log.appender.has_reserve = False
    log.notary.reserve(log.appender)
    assert [tuple(call) for call in files.calls[begun:]] == [("reserve", "reserve")]
    log.close()


class Worker:
    """A log with a notary's thread."""

    def __init__(self, folder: Path) -> None:
        self.files = FaultyFiles(folder / "audit" / "0" / "draft")
        self.log = Log(folder, self.files, segment_bytes=1 << 20)
        self.thread = NotaryThread(self.log.notary, self.log.appender)
        self.thread.start()

    def tend(self) -> None:
        tree, full = self.log.appender.tree, self.log.ledger.recovered.tiles
        self.thread.tend(Snapshot(tree.size, tree.root(), tuple(full), tree.partial_tiles()))
        full.clear()

    def close(self) -> bool:
        is_done = self.thread.close()
        self.log.close()
        return is_done


def test_the_thread_finishes_what_it_was_told_before_it_ends(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    for count in (1, 300, 5):
        worker.log.commit(*[60] * count)
        worker.tend()
    assert worker.close()
    assert_signed(worker.log)
    assert (worker.thread.signed_size, worker.thread.problem, worker.thread.failures_total) == (306, None, 0)


@pytest.mark.parametrize(
    ("name", "file", "problem"),
    [
        ("publish", "checkpoint", "cannot sign a checkpoint: "),
        ("publish", "000", "cannot sign a checkpoint: "),
        ("reserve", "reserve", "cannot reserve the next segment: "),
    ],
)
def test_what_fails_is_told_until_it_is_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, file: str, problem: str
) -> None:
    worker = Worker(tmp_path)
    worker.log.appender.has_reserve = False
    fault = Fail(worker.files, lambda each: (each.name, each.file) == (name, file), errno.ENOSPC)
    worker.log.commit(*[60] * 300)
    caplog.clear()
    for _ in range(3):
        worker.tend()
    worker.thread.close()
    assert worker.thread.failures_total == fault.count == 3
    assert (worker.thread.problem or "").startswith(problem)
    assert "No space left" in (worker.thread.problem or "")
    assert len(caplog.records) == 1
    fault.is_on = False
    worker.thread = NotaryThread(worker.log.notary, worker.log.appender)
    worker.thread.start()
    worker.tend()
    assert worker.close()
    assert (worker.thread.problem, worker.log.appender.has_reserve) == (None, True)
    assert_signed(worker.log)


def test_an_unforeseen_failure_does_not_end_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(tmp_path)

    def defect() -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(worker.log.notary, "retain", defect)
    worker.log.commit(60)
    for _ in range(2):
        worker.tend()
    assert worker.close()
    assert (worker.thread.failures_total, worker.thread.problem) == (2, "cannot delete old segments: a defect")
    assert_signed(worker.log)


def test_records_must_wait_where_too_many_tiles_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG_LIMIT", 1)
    worker = Worker(tmp_path)
    fault = Fail(worker.files, lambda each: each.name == "publish" and each.file in {"000", "001"})
    worker.log.commit(*[60] * 600)
    worker.tend()
    worker.thread.close()
    assert worker.thread.is_behind
    fault.is_on = False
    worker.thread = NotaryThread(worker.log.notary, worker.log.appender)
    worker.thread.start()
    worker.tend()
    assert worker.close()
    assert not worker.thread.is_behind
    assert_signed(worker.log)
