"""Files by path ↔ a bundle's archive: a tar.gz, the same bytes for the same files."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from typing import TYPE_CHECKING

from sidecar.bundles.invalid import BundleInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_LIMIT_BYTES = 512 * 1024 * 1024
"""Unpacked: a million revocations, each an entry of its own, take some 80 MiB."""
FILES_LIMIT = 4_096

DATA = "data.json"
MANIFEST = ".manifest"
SIGNATURES = ".signatures.json"
_DATA_NAMES = frozenset({DATA, "data.yaml", "data.yml"})
_OTHER_FORMS = frozenset({".manifest.pb", "patch.json"})
"""A second manifest, which OPA prefers, and what makes a bundle a delta."""


def write(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files, by path below the bundle's root."""
    return gzip.compress(_tar(files), compresslevel=1, mtime=0)


def read(content: bytes, limit_bytes: int = CONTENT_LIMIT_BYTES) -> dict[str, bytes]:
    """All files of an archive, as OPA reads and `opa build` writes it; raises `BundleInvalid` for what is none.

    Data must lie in one file at the root, as `opa build` puts it. `limit_bytes`: of all of it, unpacked.
    """
    try:
        return _files(_unzipped(content, limit_bytes))
    except (zlib.error, tarfile.TarError) as error:
        raise BundleInvalid(str(error)) from None


def _tar(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size = len(files[path])
            archive.addfile(entry, io.BytesIO(files[path]))
    return buffer.getvalue()


def _files(tar: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for entry in archive:
            if len(files) >= FILES_LIMIT:
                raise BundleInvalid(f"it holds more than {FILES_LIMIT} files")
            path = entry.name.removeprefix("./").removeprefix("/")
            if not entry.isfile():
                continue
            if path in files:
                raise BundleInvalid(f"{path}: is in it twice")
            _check_place(path)
            file = archive.extractfile(entry)
            files[path] = file.read() if file else b""
    return files


def _check_place(path: str) -> None:
    name = path.rpartition("/")[2]
    if name in _DATA_NAMES and path != DATA:
        raise BundleInvalid(f"{path}: all data belongs into one data.json at the root, as `opa build` writes it")
    if name in _OTHER_FORMS:
        raise BundleInvalid(f"{path}: OPA would read this, and nothing here does")


def _unzipped(content: bytes, limit_bytes: int) -> bytes:
    """All of it or nothing: of a file that is cut short, tarfile would read what there is."""
    unzip = zlib.decompressobj(wbits=31)  # gzip's header and trailer, with its checksum
    tar = unzip.decompress(content, limit_bytes)
    if not unzip.eof:
        raise BundleInvalid(f"it is cut short, or holds more than {limit_bytes} bytes")
    if unzip.unused_data:  # Go would unpack a second part and read on in it
        raise BundleInvalid("something follows its end")
    return tar
