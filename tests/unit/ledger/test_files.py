from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.files import VECTOR_LIMIT, OsFiles
from tests.unit.ledger.faulty import os_error
from tests.unit.ledger.logs import scratch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def files(tmp_path: Path) -> OsFiles:
    return OsFiles(tmp_path / "draft")


def write(files: OsFiles, path: Path, buffers: Sequence[bytes], offset: int) -> None:
    fd = files.open(path)
    try:
        files.write(fd, buffers, offset)
    finally:
        files.close(fd)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_reserved_file_has_its_blocks_and_never_shrinks(files: OsFiles, tmp_path: Path) -> None:
    path = tmp_path / "new" / "reserve"
    files.reserve(path, 8_192)
    status = path.stat()
    assert (status.st_size, status.st_blocks * 512 >= 8_192, mode(path), mode(path.parent)) == (
        8_192,
        True,
        0o600,
        0o700,
    )
    write(files, path, [b"content"], 0)
    files.reserve(path, 4_096)
    assert (path.stat().st_size, path.read_bytes()[:8]) == (8_192, b"content\0")


def test_buffers_are_written_one_after_the_other_however_many(files: OsFiles, tmp_path: Path) -> None:
    path = tmp_path / "file"
    files.reserve(path, 10_000)
    buffers = [b"%04d" % number for number in range(2 * VECTOR_LIMIT + 1)]
    write(files, path, buffers, 10)
    assert path.read_bytes()[10 : 10 + 4 * len(buffers)] == b"".join(buffers)
    write(files, path, [], 0)
    assert path.read_bytes()[:10] == bytes(10)


@given(
    buffers=st.lists(st.binary(min_size=1, max_size=50), min_size=1, max_size=6),
    part=st.integers(1, 40),
    data=st.data(),
)
def test_a_short_write_is_completed(buffers: list[bytes], part: int, data: st.DataObject) -> None:
    real = os.pwritev
    durable: list[bool] = []

    def short(fd: int, parts: Sequence[bytes], offset: int) -> int:
        durable.append(fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_DSYNC == os.O_DSYNC)
        return real(fd, [b"".join(parts)[: data.draw(st.integers(1, part))]], offset)

    with scratch() as folder, pytest.MonkeyPatch.context() as patch:
        files = OsFiles(folder / "draft")
        files.reserve(folder / "file", 400)
        patch.setattr(os, "pwritev", short)
        write(files, folder / "file", buffers, 3)
        content = b"".join(buffers)
        assert (folder / "file").read_bytes() == bytes(3) + content + bytes(397 - len(content))
    assert set(durable) == {True}


def test_a_write_of_nothing_is_an_error_and_no_endless_loop(
    files: OsFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.reserve(tmp_path / "file", 100)
    monkeypatch.setattr(os, "pwritev", lambda *_: 0)
    with pytest.raises(OSError, match="nothing was written at byte 5"):
        write(files, tmp_path / "file", [b"content"], 5)


def test_truncate_cuts(files: OsFiles, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    files.truncate(path, 3)
    assert path.read_bytes() == b"con"


def test_publish_replaces_a_file_as_a_whole(files: OsFiles, tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    (tmp_path / "draft").write_bytes(b"what a crash left, longer than all that follows")
    for content in (b"first", b"second, longer", b"3"):
        files.publish(path, content)
        assert path.read_bytes() == content
    assert (mode(path), sorted(each.name for each in tmp_path.iterdir())) == (0o600, ["new"])


def test_a_publish_that_fails_leaves_what_was_there(
    files: OsFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    files.publish(path, b"old")

    def full(fd: int) -> None:
        raise os_error(errno.ENOSPC)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            files.publish(path, b"new")
    assert path.read_bytes() == b"old"
    files.publish(path, b"newer")
    assert path.read_bytes() == b"newer"


def test_what_returns_is_durable(files: OsFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call syncs the file it wrote, and then the folders in which a name changed."""
    synced: list[str] = []
    real = os.fsync

    def fsync(fd: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{fd}").removeprefix(str(tmp_path)))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    calls = {
        "reserve": lambda: files.reserve(tmp_path / "a" / "x", 10),
        "truncate": lambda: files.truncate(tmp_path / "a" / "x", 5),
        "publish": lambda: files.publish(tmp_path / "a" / "y", b"y"),
        "move": lambda: files.move(tmp_path / "a" / "x", tmp_path / "b" / "c" / "x"),
        "move within": lambda: files.move(tmp_path / "a" / "y", tmp_path / "a" / "z"),
    }
    seen: dict[str, list[str]] = {}
    for name, call in calls.items():
        call()
        seen[name] = list(synced)
        synced.clear()
    assert seen == {
        "reserve": ["", "/a/x", "/a"],
        "truncate": ["/a/x"],
        "publish": ["/draft", "/a"],
        "move": ["", "/b", "/b/c", "/a"],
        "move within": ["/a"],
    }


def test_remove_does_not_mind_a_file_that_is_gone(files: OsFiles, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    files.remove(tmp_path / "file")
    files.remove(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_not_made_by_opening(files: OsFiles, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.open(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        files.truncate(tmp_path / "none", 0)
