"""The faults are what they say, or the tests of a failing disk would show nothing."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.crash.faults import SECTOR_BYTES, Fault, FaultyFiles, Trouble
from tests.process import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

BEFORE = bytes(6 * SECTOR_BYTES)
WRITTEN = bytes(range(1, 251)) * 10
OFFSET = 100
AFTER = BEFORE[:OFFSET] + WRITTEN + BEFORE[OFFSET + len(WRITTEN) :]
SEEDS = range(40)


def attempt(folder: Path, fault: Fault, call: int, seed: int) -> tuple[bytes, int | None]:
    """A file after a write with trouble in it, and the error that it ended with."""
    path = folder / f"{fault}-{seed}"
    path.write_bytes(BEFORE)
    disk = FaultyFiles(folder / "draft")
    disk.trouble = Trouble(fault, call, seed)
    fd = disk.open(path)
    try:
        disk.write(fd, [WRITTEN[:700], WRITTEN[700:]], OFFSET)
    except OSError as error:
        return path.read_bytes(), error.errno
    finally:
        disk.close(fd)
    return path.read_bytes(), None


@pytest.mark.parametrize("fault", Fault)
def test_before_it_strikes_the_disk_is_a_good_one(tmp_path: Path, fault: Fault) -> None:
    assert attempt(tmp_path, fault, 2, 0) == (AFTER, None)


@pytest.mark.parametrize(("fault", "number"), [(Fault.EIO, errno.EIO), (Fault.ENOSPC, errno.ENOSPC)])
def test_a_failed_write_leaves_any_part_of_it(tmp_path: Path, fault: Fault, number: int) -> None:
    found = [attempt(tmp_path, fault, 1, seed) for seed in SEEDS]
    assert {error for _, error in found} == {number}
    assert AFTER in [content for content, _ in found]
    assert len({content for content, _ in found}) > 10
    for content, _ in found:
        assert len(content) == len(BEFORE)
        for at in range(0, len(content), SECTOR_BYTES):
            sector = slice(at, at + SECTOR_BYTES)
            assert content[sector] in (BEFORE[sector], AFTER[sector])


def test_short_writes_lose_nothing(tmp_path: Path) -> None:
    assert {attempt(tmp_path, Fault.SHORT, 1, seed) for seed in SEEDS} == {(AFTER, None)}


def test_a_lying_disk_keeps_nothing_and_says_nothing(tmp_path: Path) -> None:
    assert attempt(tmp_path, Fault.LIES, 1, 0) == (BEFORE, None)


def test_a_failure_strikes_once_and_at_every_kind_of_call(tmp_path: Path) -> None:
    disk = FaultyFiles(tmp_path / "draft")
    file, other = tmp_path / "file", tmp_path / "other"
    calls = [
        lambda: disk.reserve(file, 10),
        lambda: disk.truncate(file, 5),
        lambda: disk.publish(file, b"whole"),
        lambda: disk.move(file, other),
        lambda: disk.remove(other),
    ]
    for number, call in enumerate(calls, start=1):
        disk.trouble = Trouble(Fault.EIO, 1, number)
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            call()
        file.write_bytes(b"0123456789")
        call()


CUT_OFF = """
import sys
from pathlib import Path
from tests.crash.faults import Fault, FaultyFiles, Trouble

folder = Path(sys.argv[1])
disk = FaultyFiles(folder / "draft")
disk.trouble = Trouble(Fault.POWER, 2, 0)
disk.publish(folder / "one", b"1")
disk.publish(folder / "two", b"2")
print("alive")
"""


def test_a_loss_of_power_ends_the_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CUT_OFF, str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, b"")
    assert (tmp_path / "one").read_bytes() == b"1"
