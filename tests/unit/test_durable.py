from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.durable import create_once, draft, make_private, replace, sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def failing() -> Iterator[bytes]:
    """A source that ends too early."""
    yield b"half"
    raise OSError("the source is gone")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What was made durable, in order."""
    found: list[Path] = []
    fsync = os.fsync

    def observed(fd: int) -> None:
        found.append(Path(os.readlink(f"/proc/self/fd/{fd}")))
        fsync(fd)

    monkeypatch.setattr(os, "fsync", observed)
    return found


def test_a_file_is_created_once(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    assert create_once(path, b"first")
    assert not create_once(path, b"second")
    assert (path.read_bytes(), mode(path)) == (b"first", 0o600)
    assert list(path.parent.iterdir()) == [path]


def test_of_many_at_once_one_creates_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: create_once(path, b"%d" % number), range(64)))
    assert made.count(True) == 1
    assert path.read_bytes() == b"%d" % made.index(True)
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    replace(path, b"a long first content")
    with path.open("rb") as reader:
        replace(path, b"second", 0o640)
        assert reader.read() == b"a long first content"
    assert (path.read_bytes(), mode(path)) == (b"second", 0o640)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("write", [create_once, replace])
def test_the_content_is_durable_before_the_name(
    tmp_path: Path, synced: list[Path], write: Callable[[Path, bytes], object]
) -> None:
    write(tmp_path / "file", b"content")
    content, name = synced
    assert content.name.startswith(".file.")
    assert (content.parent, name) == (tmp_path, tmp_path)


def test_what_another_process_created_is_durable_too(tmp_path: Path, synced: list[Path]) -> None:
    (tmp_path / "file").write_bytes(b"first")
    create_once(tmp_path / "file", b"second")
    assert synced[-1] == tmp_path


def test_a_draft_is_whole_and_hidden_and_gone_in_the_end(tmp_path: Path) -> None:
    with draft(tmp_path / "file", [b"one ", b"two"], 0o640) as whole:
        assert (whole.read_bytes(), mode(whole)) == (b"one two", 0o640)
        assert list(tmp_path.iterdir()) == [whole]
        assert whole.name.startswith(".file.")
    assert list(tmp_path.iterdir()) == []


def test_a_draft_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the source is gone"), draft(tmp_path / "file", failing()):
        pytest.fail("it is not whole")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_cannot_be_given_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        replace(tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_only_folders_that_were_missing_are_made_private(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir(mode=0o755)
    make_private(tmp_path / "old" / "a" / "b")
    make_private(tmp_path / "old")
    assert [mode(tmp_path / name) for name in ("old", "old/a", "old/a/b")] == [0o755, 0o700, 0o700]


def test_each_folder_that_is_made_is_durable(tmp_path: Path, synced: list[Path]) -> None:
    make_private(tmp_path / "a" / "b")
    make_private(tmp_path / "a" / "b")
    assert synced == [tmp_path, tmp_path / "a"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "file")
    with pytest.raises(FileExistsError):
        make_private(tmp_path / "file")
