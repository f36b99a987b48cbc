"""A downloaded archive → a bundle that may be activated: signed for its name, within its roots, in slices.

Nothing of it is believed, and nothing reaches an engine, before the signature is verified over every file.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, cast

import orjson

from sidecar.bundles import archive as archives
from sidecar.bundles.archive import DATA, MANIFEST
from sidecar.bundles.invalid import BundleInvalid
from sidecar.bundles.manifest import Manifest
from sidecar.policy.bundled.slices import slices
from sidecar.policy.compose import DATA_KEYS
from sidecar.policy.module_text import DEPTH_LIMIT, depth, package_of
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sidecar.policy.bundled.config import BundleSpec

_REVISION = re.compile(r"[!-~]{1,256}")
"""It goes into a header field: visible ASCII."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle that is what its signer made. `digest`: of the archive; `data`: JSON objects that make up its data when
    they are merged, none so large that it would hold up the event loop.
    """

    name: str
    digest: str
    manifest: Manifest
    modules: Mapping[str, str]
    data: Sequence[str]


def digest_of(archive: bytes) -> str:
    """The archive's SHA-256, in hexadecimal digits."""
    return hashlib.sha256(archive).hexdigest()


def open_bundle(spec: BundleSpec, archive: bytes) -> Opened:
    """Raises `PolicyProblems` with why this bundle is not accepted. Blocks: use a thread."""
    try:
        files = archives.read(archive, spec.size_limit_bytes)
        spec.key.verify(files, spec.scope)
        manifest = Manifest.of(files.get(MANIFEST, b"{}"))
        modules = {path: text.decode() for path, text in files.items() if path.endswith(".rego")}
        document: object = orjson.loads(files.get(DATA, b"{}"))
    except (BundleInvalid, ValueError) as error:
        raise PolicyProblems([str(error)]) from None
    problems = [*_unfit(manifest), *_misplaced(modules, manifest.roots), *_outside(document, manifest.roots)]
    if problems:
        raise PolicyProblems(problems)
    return Opened(spec.name, digest_of(archive), manifest, modules, tuple(slices(cast("dict[str, object]", document))))


def overlaps(bundles: Iterable[Opened]) -> Iterator[str]:
    """A line for each two bundles that claim the same part of `data`: whose counts would be anybody's guess."""
    for one, other in combinations(bundles, 2):
        shared = {mine for mine in one.manifest.roots for its in other.manifest.roots if _meet(mine, its)}
        if shared:
            yield f"bundles {one.name} and {other.name} have roots that overlap: {', '.join(sorted(shared))}"


def _meet(one: str, other: str) -> bool:
    return _is_below(one, other) or _is_below(other, one)


def _is_below(path: str, root: str) -> bool:
    return not root or path == root or path.startswith(f"{root}/")


def _unfit(manifest: Manifest) -> Iterator[str]:
    if not _REVISION.fullmatch(manifest.revision):
        yield f"{MANIFEST}: it has no revision of 1 to 256 visible characters"
    for root in manifest.roots:
        if root != root.strip("/"):
            yield f"{MANIFEST}: root {root!r} begins or ends with a slash"


def _misplaced(modules: Mapping[str, str], roots: Sequence[str]) -> Iterator[str]:
    for path, text in sorted(modules.items()):
        package = package_of(text)
        if depth(text) > DEPTH_LIMIT:
            yield f"{path}: brackets are nested more than {DEPTH_LIMIT} deep"
        elif package is None:
            yield f"{path}: must begin with a plain `package a.b.c`"
        elif package.split(".")[0] in DATA_KEYS | {"system"}:
            yield f"{path}: package {package} is not a policy's to define"
        elif not any(_is_below(package.replace(".", "/"), root) for root in roots):
            yield f"{path}: package {package} is not below the bundle's roots"


def _outside(document: object, roots: Sequence[str]) -> Iterator[str]:
    """What of the data no root covers. Top-level keys beyond ours could replace a decision (contract 5)."""
    if not isinstance(document, dict):
        yield f"{DATA}: must be an object"
        return
    fields = cast("dict[str, object]", document)
    for key in sorted(fields.keys() - DATA_KEYS):
        yield f"{DATA}: {key}: not accepted as data; only {', '.join(sorted(DATA_KEYS))} are"
    for key in sorted(fields.keys() & DATA_KEYS):
        yield from (f"{DATA}: {path} is not below the bundle's roots" for path in _uncovered(key, fields[key], roots))


def _uncovered(path: str, value: object, roots: Sequence[str]) -> Iterator[str]:
    if any(_is_below(path, root) for root in roots):
        return
    if isinstance(value, dict) and any(_is_below(root, path) for root in roots):
        for key, member in cast("dict[str, object]", value).items():
            yield from _uncovered(f"{path}/{key}", member, roots)
    else:
        yield path
