from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from sidecar.ship import store as module
from sidecar.ship.destination import Unavailable
from sidecar.ship.store import Conflict, FolderStore, FsspecStore, Store, StoreInvalid, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGE = b"x" * (3 * (1 << 20) + 5)


def forget() -> None:
    """Fsspec's memory is the process's."""
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture(params=["folder", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    urls = {"folder": str(tmp_path / "a"), "file": (tmp_path / "a b").as_uri(), "memory": "memory://bucket/prefix"}
    yield open_store(urls[request.param])
    forget()


@pytest.fixture(params=["bytes", "file"])
def content(request: pytest.FixtureRequest, tmp_path: Path) -> bytes | Path:
    if request.param == "bytes":
        return LARGE
    path = tmp_path / "source"
    path.write_bytes(LARGE)
    return path


def test_an_object_is_made_once(store: Store, content: bytes | Path) -> None:
    assert store.create("log/records/1.seg", content)
    assert not store.create("log/records/1.seg", content)
    assert store.read("log/records/1.seg") == LARGE


@pytest.mark.parametrize("other", [b"", LARGE[:-1], LARGE + b"x", b"y" + LARGE[1:]])
def test_other_content_under_the_name_is_a_conflict_and_stays(
    store: Store, content: bytes | Path, other: bytes
) -> None:
    store.create("log/x", other)
    with pytest.raises(Conflict, match="x"):
        store.create("log/x", content)
    assert store.read("log/x") == other


def test_names_of_a_folder(store: Store) -> None:
    assert store.names("log") == []
    for name in ("log/a/1", "log/a/2", "log/b/1"):
        store.create(name, b"")
    assert sorted(store.names("log")) == ["a", "b"]
    assert sorted(store.names("log/a")) == ["1", "2"]


def test_what_is_not_there_cannot_be_read(store: Store) -> None:
    with pytest.raises(Unavailable):
        store.read("log/x")


def test_of_many_at_once_one_makes_it(tmp_path: Path) -> None:
    store, made, conflicts = FolderStore(tmp_path / "a"), list[int](), list[int]()
    barrier = threading.Barrier(8)

    def create(number: int) -> None:
        barrier.wait()
        try:
            store.create("x", b"%d" % number * 1_000)
            made.append(number)
        except Conflict:
            conflicts.append(number)

    threads = [threading.Thread(target=create, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(made), len(conflicts)) == (1, 7)
    assert store.read("x") == b"%d" % made[0] * 1_000
    assert [path.name for path in (tmp_path / "a").rglob("*") if path.is_file()] == ["x"]


def test_a_folder_never_shows_a_half_written_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when the disk is full, or the process is killed before the content is whole."""

    def fail(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    store = FolderStore(tmp_path)
    with pytest.raises(Unavailable, match="No space left"):
        store.create("x", b"content")
    assert store.names("") == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_a_killed_process_left_is_removed_a_day_later(tmp_path: Path) -> None:
    for name, age_s in (("old", 90_000), ("young", 10)):
        draft = tmp_path / ".drafts" / name
        draft.parent.mkdir(exist_ok=True)
        draft.write_bytes(b"half")
        os.utime(draft, (time.time() - age_s,) * 2)
    FolderStore(tmp_path)
    assert [path.name for path in (tmp_path / ".drafts").iterdir()] == ["young"]


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a file")
    store = FolderStore(tmp_path / "a")
    for call in (lambda: store.create("x", b""), lambda: store.names("x"), lambda: store.read("x")):
        with pytest.raises(Unavailable, match=r"Not a directory|File exists"):
            call()


class Racing(MemoryFileSystem):
    """Another writer comes between the look and the making, which the service's own condition notices."""

    cachable = False

    def exists(self, path: str, **_: object) -> bool:
        return False

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_: object) -> None:
        assert mode == "create"
        raise FileExistsError


def test_an_object_store_that_refuses_is_asked_what_it_has() -> None:
    system = MemoryFileSystem()
    system.pipe_file("/bucket/x", b"theirs")
    store = FsspecStore(Racing(), "/bucket")  # type: ignore[arg-type]
    assert not store.create("x", b"theirs")
    with pytest.raises(Conflict):
        store.create("x", b"ours")
    forget()


class Unreachable(MemoryFileSystem):
    """Botocore's exceptions are no OSError."""

    cachable = False

    def exists(self, path: str, **_: object) -> bool:
        raise RuntimeError("no credentials")


def test_whatever_a_driver_raises_is_tried_again() -> None:
    with pytest.raises(Unavailable, match="RuntimeError: no credentials"):
        FsspecStore(Unreachable(), "/bucket").create("x", b"")  # type: ignore[arg-type]


def test_an_unknown_scheme_is_told() -> None:
    with pytest.raises(StoreInvalid, match="nonsense"):
        open_store("nonsense://bucket")


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(StoreInvalid, match=r"pip install 'model-policy-sidecar\[archive\]'"):
        open_store("s3://bucket")
    assert isinstance(open_store("/a/folder"), module.FolderStore)
