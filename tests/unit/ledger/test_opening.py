from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.founding import LedgerRefused
from sidecar.ledger.identity import open_identity
from sidecar.ledger.keys import read_public
from sidecar.ledger.segments import HEADER_BYTES, read_header, segment_files
from tests.unit.ledger.faulty import Fail, FaultyFiles, Stop, Stopped
from tests.unit.ledger.logs import SEGMENT_BYTES, Log, assert_goes_on, assert_whole, scratch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def faulty(folder: Path) -> FaultyFiles:
    return FaultyFiles(folder / "audit" / "0" / "draft")


def test_a_first_start_makes_a_log_and_says_which(tmp_path: Path) -> None:
    log = Log(tmp_path)
    ledger, layout = log.ledger, log.layout
    (segment,) = segment_files(layout.ledger_dir)
    header = read_header(segment)
    assert (header.log_id, header.first, header.keep_from) == (ledger.log_id, 0, 0)
    assert (segment.stat().st_size, layout.reserve.stat().st_size) == (SEGMENT_BYTES, SEGMENT_BYTES)
    identity = open_identity(layout.identity.read_bytes(), [ledger.signer.verifier])
    assert (identity.log_id, identity.origin, identity.vkey, identity.host, identity.created_unix_s) == (
        ledger.log_id,
        f"model-policy-sidecar/{ledger.log_id}",
        ledger.signer.vkey,
        "a-host",
        1_795_300_000,
    )
    assert [key.vkey for key in read_public(tmp_path / "audit.pub")] == [ledger.signer.vkey]
    assert (ledger.key_changed, ledger.recovered.tree.size, log.notary.signed_size) == (False, 0, 0)
    log.close()
    assert sorted(path.name for path in layout.ledger_dir.iterdir()) == ["checkpoint", "identity", "records"]
    assert segment.stat().st_size == HEADER_BYTES


def test_a_log_keeps_its_name_and_its_files_over_restarts(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    log.sign()
    log.close()
    identity = log.layout.identity.read_bytes()
    again = Log(tmp_path)
    assert (again.ledger.log_id, again.ledger.key_changed, again.notary.signed_size) == (log.ledger.log_id, False, 1)
    assert (again.layout.identity.read_bytes(), again.records) == (identity, log.records)
    again.close()


def test_another_key_is_told_and_signs_from_now_on(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    log.sign()
    log.close()
    (tmp_path / "audit.key").unlink()
    again = Log(tmp_path)
    assert (again.ledger.log_id, again.ledger.key_changed) == (log.ledger.log_id, True)
    old, new = log.ledger.signer, again.ledger.signer
    assert [key.vkey for key in read_public(tmp_path / "audit.pub")] == [old.vkey, new.vkey]
    assert open_identity(again.layout.identity.read_bytes(), [new.verifier]).vkey == new.vkey
    again.commit(100)
    again.sign()
    again.close()
    assert open_checkpoint(again.layout.checkpoint.read_bytes(), [new.verifier]).size == 2
    last = Log(tmp_path)
    assert (last.ledger.key_changed, len(last.records)) == (False, 2)
    last.close()


def test_a_checkpoint_by_a_key_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    log.sign()
    log.close()
    (tmp_path / "audit.key").unlink()
    (tmp_path / "audit.pub").unlink()
    with pytest.raises(LedgerRefused, match="no known key"):
        Log(tmp_path)


def test_two_in_one_process_are_refused_and_the_lock_comes_back(tmp_path: Path) -> None:
    log = Log(tmp_path)
    with pytest.raises(LedgerRefused, match=r"another process writes the audit log in .*: stop it, or choose another"):
        Log(tmp_path)
    log.commit(100)
    log.close()
    Log(tmp_path).close()


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    log = Log(tmp_path)
    code = (
        "import sys, pathlib\n"
        "from sidecar.ledger.founding import LedgerRefused\n"
        "from tests.unit.ledger.logs import Log\n"
        "try: Log(pathlib.Path(sys.argv[1]))\n"
        "except LedgerRefused as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, check=True, text=True)
    assert ran.stdout.startswith("another process writes the audit log in ")
    log.close()


def test_a_key_file_that_holds_no_key_is_refused_and_the_lock_comes_back(tmp_path: Path) -> None:
    (tmp_path / "audit.key").write_bytes(b"no key")
    with pytest.raises(ValueError, match="is not an Ed25519 private key"):
        Log(tmp_path)
    (tmp_path / "audit.key").unlink()
    Log(tmp_path).close()


def test_without_room_for_a_reserve_it_opens_and_has_none(tmp_path: Path) -> None:
    Log(tmp_path).close()
    files = faulty(tmp_path)
    fault = Fail(files, lambda call: call == ("reserve", "reserve"))
    log = Log(tmp_path, files)
    assert (log.appender.has_reserve, fault.count) == (False, 1)
    log.commit(100)
    fault.is_on = False
    log.sign()
    assert log.appender.has_reserve
    log.close()


class Life:
    """What happens to a log between a start and a stop: what was acknowledged, and what was under way."""

    def __init__(self, folder: Path, files: FaultyFiles) -> None:
        self._folder = folder
        self._files = files
        self.acknowledged: list[bytes] = []
        self.staged: list[bytes] = []
        self.log: Log | None = None

    def live(self) -> None:
        """Two rotations, one in the middle of a commit; checkpoints; a stop."""
        log = self.log = Log(self._folder, self._files)
        self.acknowledged = list(log.records)
        for number, sizes in enumerate(([100, 100], [600, 600, 500], [100], [100, 1_300], [100])):
            self.staged = [log.record(log.appender.next_sequence + at, size) for at, size in enumerate(sizes)]
            log.commit(*sizes)
            self.acknowledged, self.staged = list(log.records), []
            if number != 2:
                log.sign()
        self.log = None
        log.close()

    def end(self) -> None:
        """The kernel's part of a kill."""
        if self.log is not None:
            self.log.kill()


@pytest.mark.parametrize("lives", [1, 2], ids=["first start", "restart"])
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_a_stop_of_the_world_at_any_call_loses_nothing(lives: int, is_after: bool) -> None:
    stops = 0
    for number in itertools.count():
        with scratch() as folder:
            if lives == 2:
                Life(folder, faulty(folder)).live()
            if not _stopped_at(folder, number, is_after=is_after):
                break
            stops += 1
    assert stops > 30


def _stopped_at(folder: Path, number: int, *, is_after: bool) -> bool:
    files = faulty(folder)
    stop = Stop(files, number, is_after=is_after)
    life = Life(folder, files)
    try:
        life.live()
    except Stopped:
        pass
    finally:
        life.end()
    again = Log(folder)
    assert_whole(again, life.acknowledged or again.records, life.staged)
    assert_goes_on(again, folder)
    return stop.happened


@pytest.mark.parametrize("name", ["reserve", "open", "write", "move", "publish"])
def test_a_start_that_fails_can_be_repeated(name: str) -> None:
    for number in range(3):
        with scratch() as folder:
            files = faulty(folder)
            fails = _nth(name, number)
            fault = Fail(files, fails)
            try:
                log = Log(folder, files)
            except OSError:
                log = Log(folder)
            fault.is_on = False
            assert_goes_on(log, folder)


def _nth(name: str, number: int) -> Callable[[object], bool]:
    counter = itertools.count()
    return lambda call: getattr(call, "name", None) == name and next(counter) == number
