"""Where engines fetch a bundle from as a file: a folder, or object storage that fsspec has a driver for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from sidecar import durable
from sidecar.bundles.archive import MANIFEST, read
from sidecar.bundles.invalid import BundleInvalid
from sidecar.bundles.manifest import Manifest

if TYPE_CHECKING:
    from sidecar.authoring.building import Built

FILE = "policy.tar.gz"
"""The file's name where the target does not end with one."""
SUFFIX = ".tar.gz"
LOCAL = "file://"
PATHS = ("/", "./", "../", LOCAL)
"""How a folder is named that need not exist yet: anything else may be a URL whose scheme was forgotten."""


class NotPublished(Exception):
    """The bundle is not there. `is_finding`: because of what it is; else because of where it should go."""

    def __init__(self, why: str, *, is_finding: bool = False) -> None:
        super().__init__(why)
        self.is_finding = is_finding


class _FileSystem(Protocol):
    """What is used of fsspec's file systems."""

    def cat_file(self, path: str) -> bytes: ...
    def pipe_file(self, path: str, value: bytes) -> None: ...


def put(built: Built, target: str) -> str:
    """Puts a bundle where the one before it lies, whole or not at all; returns the file's place.

    Raises `NotPublished`, also where what lies there is as new: its sequence must rise, or engines would refuse it.
    """
    place = target if target.endswith(SUFFIX) else f"{target.rstrip('/')}/{FILE}"
    try:
        if "://" in place and not place.startswith(LOCAL):
            _put_object(built, place)
        elif place.startswith(PATHS) or Path(place).parent.is_dir():
            _put_file(built, Path(place.removeprefix(LOCAL)))
        else:
            raise NotPublished(f"there is no folder {target}: did you mean https://{target}, or ./{target}?")
    except OSError as error:
        raise NotPublished(f"{place}: {error}") from None
    return place


def is_new(built: Built, place: str, present: int | None, *, same: bool) -> bool:
    """Whether a bundle is to be written over the one that lies there; false where that is the very same one.

    Raises `NotPublished` unless its sequence is above that of the one there.
    """
    sequence = built.manifest.sequence
    if same:
        return False
    if present is not None and (sequence is None or sequence <= present):
        told = f"{place} has sequence {present}, and this bundle {sequence}"
        raise NotPublished(f"{told}: build it anew, also for a deliberate rollback", is_finding=True)
    return True


def _put_file(built: Built, path: Path) -> None:
    if _is_new(built, str(path), path.read_bytes() if path.exists() else None):
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(path, built.archive, mode=0o644)


def _put_object(built: Built, url: str) -> None:
    """An object is replaced whole by one PUT, in each store that OPA reads."""
    system, path = _opened(url)
    try:
        there = system.cat_file(path)
    except FileNotFoundError:
        there = None
    if _is_new(built, url, there):
        system.pipe_file(path, built.archive)


def _is_new(built: Built, place: str, there: bytes | None) -> bool:
    return is_new(built, place, None if there is None else _sequence(there), same=there == built.archive)


def _opened(url: str) -> tuple[_FileSystem, str]:
    try:
        # No types come with it; _FileSystem says what is used of it.
        from fsspec.core import url_to_fs  # noqa: PLC0415 # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

        return cast("tuple[_FileSystem, str]", url_to_fs(url))
    except (ImportError, ValueError) as error:
        raise NotPublished(f"{url}: {error}; pip install model-policy-sidecar[archive] and fsspec's driver") from None


def _sequence(archive: bytes) -> int | None:
    """The sequence of what lies there; None of what is no bundle, which may be replaced."""
    try:
        return Manifest.of(read(archive).get(MANIFEST, b"{}")).sequence
    except BundleInvalid:
        return None
