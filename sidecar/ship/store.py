"""Where an archive lies: create-only places for objects. A folder needs nothing but this; the rest is fsspec's.

An object is made whole or not at all, and never replaced. One that is there already with the same content is fine
(somebody was interrupted); with other content it is a `Conflict`, and an alarm.
"""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import url2pathname

from sidecar.durable import draft, make_private, sync_folder
from sidecar.ship.destination import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Content = bytes | Path
T = TypeVar("T")
_CHUNK_BYTES = 1 << 20
_MODE = 0o666
"""Less the umask: who else may read an archive is for the archive's owner to say."""
DRAFT_AGE_S = 86_400


class Conflict(Exception):
    """The archive holds something else under that name."""


class StoreInvalid(Exception):
    """A URL that no store can be made for; the message has the remedy."""


class Store(Protocol):
    """An archive's place. Names are relative, with slashes. Every call may raise Unavailable."""

    def create(self, name: str, content: Content) -> bool:
        """Makes an object; False where it was there already with the same content. Raises Conflict."""
        ...

    def read(self, name: str) -> bytes:
        """An object's content."""
        ...

    def names(self, folder: str) -> list[str]:
        """The last elements of the names in a folder; none where it is not there."""
        ...


def open_store(url: str) -> Store:
    """A folder's path, a `file://` URL, or whatever fsspec knows. Raises StoreInvalid."""
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return FolderStore(Path(url2pathname(parts.path) if parts.scheme else url))
    try:
        # With its drivers some 50 MiB, that only those pay who use it. It has no type stubs: see `FileSystem`.
        from fsspec.core import url_to_fs  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]
    except ImportError as error:
        raise StoreInvalid(
            f"{url}: pip install 'model-policy-sidecar[archive]' and the driver that it needs"
        ) from error
    try:
        system, root = cast("tuple[FileSystem, str]", url_to_fs(url))
    except (ImportError, ValueError) as error:
        raise StoreInvalid(f"{url}: {error}") from error
    return FsspecStore(system, root)


class FolderStore:
    """A folder, perhaps on another volume: its file system must have hard links, which are given only once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._drafts = root / ".drafts"
        self._forget_drafts(time.time() - DRAFT_AGE_S)

    def create(self, name: str, content: Content) -> bool:
        """See `Store`. Durable when it returns."""
        path = self._root / name
        try:
            if not path.exists() and self._link(path, content):
                return True
            with path.open("rb") as held:
                _compare(name, held, content)
        except OSError as error:
            raise Unavailable(f"{path}: {error}") from error
        return False

    def read(self, name: str) -> bytes:
        """See `Store`."""
        try:
            return (self._root / name).read_bytes()
        except OSError as error:
            raise Unavailable(f"{self._root / name}: {error}") from error

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        try:
            return [path.name for path in (self._root / folder).iterdir() if not path.name.startswith(".")]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"{self._root / folder}: {error}") from error

    def _link(self, path: Path, content: Content) -> bool:
        """The content gets its name when it is whole; False where another was first."""
        make_private(path.parent)
        with draft(self._drafts / path.name, _chunks(content), _MODE) as whole:
            try:
                path.hardlink_to(whole)
            except FileExistsError:
                return False
        sync_folder(path.parent)
        return True

    def _forget_drafts(self, before_unix_s: float) -> None:
        """What killed processes left behind; others may be at work in the same folder just now."""
        for left in self._drafts.glob("*"):
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < before_unix_s:
                    left.unlink()


class FileSystem(Protocol):
    """What is used of fsspec's file systems."""

    def exists(self, path: str) -> bool:
        """Whether an object is there."""
        ...

    def open(self, path: str, mode: str) -> BinaryIO:
        """An object to read from."""
        ...

    def ls(self, path: str, detail: bool) -> list[str]:
        """Names below a folder."""
        ...

    def pipe_file(self, path: str, value: bytes, mode: str) -> object:
        """Makes an object of bytes."""
        ...

    def put_file(self, lpath: str, rpath: str, mode: str) -> object:
        """Makes an object of a local file, in parts where it is large."""
        ...

    def invalidate_cache(self) -> None:
        """Forgets what was listed before."""
        ...


class FsspecStore:
    """A place that fsspec has a driver for.

    `mode="create"` is what its drivers make exclusive where the service can: s3fs, gcsfs and adlfs send a condition
    (`If-None-Match: *`, generation 0). Others look first, which leaves a moment between: a bucket that forbids
    overwriting closes it. `open(path, "xb")` is not used: drivers that do not know it overwrite.
    """

    def __init__(self, system: FileSystem, root: str) -> None:
        self._system = system
        self._root = root

    def create(self, name: str, content: Content) -> bool:
        """See `Store`."""
        return self._call(name, lambda path: self._create(path, content))

    def read(self, name: str) -> bytes:
        """See `Store`."""
        return self._call(name, self._read)

    def names(self, folder: str) -> list[str]:
        """See `Store`."""
        return self._call(folder, self._names)

    def _create(self, path: str, content: Content) -> bool:
        if not self._system.exists(path):
            try:
                if isinstance(content, Path):
                    self._system.put_file(str(content), path, mode="create")
                else:
                    self._system.pipe_file(path, content, mode="create")
            except FileExistsError:
                pass  # another was first: its content counts
            else:
                return True
        with self._system.open(path, "rb") as held:
            _compare(path, held, content)
        return False

    def _read(self, path: str) -> bytes:
        with self._system.open(path, "rb") as held:
            return held.read()

    def _names(self, path: str) -> list[str]:
        self._system.invalidate_cache()
        try:
            return [found.rstrip("/").rpartition("/")[2] for found in self._system.ls(path, detail=False)]
        except FileNotFoundError:
            return []

    def _call(self, name: str, do: Callable[[str], T]) -> T:
        path = f"{self._root}/{name}"
        try:
            return do(path)
        except Conflict:
            raise
        except Exception as error:  # each driver has exceptions of its own, and botocore's are no OSError
            raise Unavailable(f"{path}: {type(error).__name__}: {error}") from error


def _chunks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


def _compare(name: str, held: BinaryIO, content: Content) -> None:
    """Raises Conflict where what is held is not the content."""
    for chunk in _chunks(content):
        if _read_full(held, len(chunk)) != chunk:
            raise Conflict(name)
    if held.read(1):
        raise Conflict(name)


def _read_full(held: BinaryIO, size_bytes: int) -> bytes:
    """As many bytes as there are, up to a size: a remote file may give less at once."""
    content = held.read(size_bytes)
    while len(content) < size_bytes and (more := held.read(size_bytes - len(content))):
        content += more
    return content
