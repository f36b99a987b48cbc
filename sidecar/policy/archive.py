"""A bundle's archive (tar.gz, as OPA reads and `opa build` writes it) → a `Bundle`, bounded and checked."""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import TYPE_CHECKING, cast

import orjson

from sidecar.policy.bundle import Bundle, content_revision
from sidecar.policy.data_document import check_data
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_LIMIT_BYTES = 512 * 1024 * 1024
"""Unpacked: a million revocations take some 80 MiB."""
FILES_LIMIT = 4_096

_DATA = "data.json"
_MANIFEST = ".manifest"


def read_archive(content: bytes) -> Bundle:
    """The bundle in an archive, less its tests; raises `PolicyProblems` for what is not one.

    Its revision is its manifest's, and where it has none the hash of its content.
    """
    try:
        files = _files(content)
        modules = {path: text.decode() for path, text in files.items() if _is_module(path)}
        document = orjson.loads(files.get(_DATA, b"{}"))
        revision = _revision(files)
    except (zlib.error, tarfile.TarError, ValueError) as error:
        raise PolicyProblems([f"the bundle cannot be read: {error}"]) from None
    problems = check_data(document) if _DATA in files else []
    if not modules:
        problems.append("the bundle holds no *.rego file")
    if problems:
        raise PolicyProblems(problems)
    data_json = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
    return Bundle(revision or content_revision(modules, data_json), modules, data_json, ())


def _files(content: bytes) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(_unzipped(content)), mode="r:") as archive:
        for entry in archive:
            if len(files) >= FILES_LIMIT:
                raise ValueError(f"it holds more than {FILES_LIMIT} files")
            path = entry.name.removeprefix("./").removeprefix("/")
            if not entry.isfile():
                continue
            if path.rpartition("/")[2] in (_DATA, "data.yaml") and path != _DATA:
                raise ValueError(f"{path}: all data belongs into one data.json at the root, as `opa build` writes it")
            file = archive.extractfile(entry)
            files[path] = file.read() if file else b""
    return files


def _unzipped(content: bytes) -> bytes:
    """All of it or nothing: of a file that is cut short, tarfile would read what there is."""
    unzip = zlib.decompressobj(wbits=31)  # gzip's header and trailer, with its checksum
    tar = unzip.decompress(content, CONTENT_LIMIT_BYTES)
    if not unzip.eof:
        raise ValueError(f"it is cut short, or holds more than {CONTENT_LIMIT_BYTES} bytes")
    return tar


def _is_module(path: str) -> bool:
    return path.endswith(".rego") and not path.endswith("_test.rego")


def _revision(files: Mapping[str, bytes]) -> str:
    manifest: object = orjson.loads(files.get(_MANIFEST, b"{}"))
    named = cast("dict[str, object]", manifest).get("revision", "") if isinstance(manifest, dict) else None
    if isinstance(named, str):
        return named
    raise ValueError(".manifest: revision must be a string")
