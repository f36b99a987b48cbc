"""Whether a bundle may be every engine's policy: who signed it, what lies in it, what joins its guards, whether it
compiles. Its author asks before publishing, the registry before storing.

An OPA that fetches bundles knows no capabilities, and takes any module for the one that joins the guards: so whoever
publishes is the last to refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.bundles import archive as archives
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES
from sidecar.bundles.invalid import BundleInvalid
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compose import GENERATED_PATH, Modules, compose
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sidecar.bundles.signing import VerifyingKey
    from sidecar.policy.compiling import Compiler
    from sidecar.policy.compose import Composition

NAME = "policy"
"""The bundle's name, which is its signature's scope."""
ROOTS = ("sidecar", "guards", "lib")
"""What it owns of `data`: all that is Rego. Facts and limits come in bundles of their own."""
SEQUENCE_LIMIT = 2**53
"""Whole numbers below it are exact in every reader of JSON. As milliseconds it is the year 287396."""

_MODULE = re.compile(r"(?:[\w-]+/)*[\w-][\w.-]*\.rego", re.ASCII)
"""What can be laid out in a folder, and leads nowhere else."""
_BESIDE_RULES = frozenset({DATA, MANIFEST, SIGNATURES})
_REMEDY = "build it with `sidecar policy build`"


@dataclass(frozen=True, slots=True)
class Examined:
    """What a good bundle says of itself. `guards`: the names that models' rules may use."""

    manifest: Manifest
    guards: tuple[str, ...]


class Examiner:
    """`key`: of who signs policies; None: whoever it was, but somebody."""

    def __init__(self, compiler: Compiler, key: VerifyingKey | None = None) -> None:
        self._compiler = compiler
        self._key = key

    def examine(self, archive: bytes) -> Examined:
        """A bundle that may be published; raises `PolicyProblems` with all that is wrong. Blocks for a second."""
        files, manifest = self._opened(archive)
        misplaced = list(_misplaced(files))
        problems = [*misplaced, *manifest_problems(manifest)]
        if misplaced:
            raise PolicyProblems(problems)
        composition, found = self._composed(files)
        if composition is None or problems or found:
            raise PolicyProblems([*problems, *found])
        return Examined(manifest, tuple(composition.guards))

    def _opened(self, archive: bytes) -> tuple[Mapping[str, bytes], Manifest]:
        try:
            files = archives.read(archive)
            if self._key is not None:
                self._key.verify(files, NAME)
            return files, Manifest.of(files.get(MANIFEST, b"{}"))
        except BundleInvalid as error:
            raise PolicyProblems([f"the bundle is not accepted: {error}"]) from None

    def _composed(self, files: Mapping[str, bytes]) -> tuple[Composition | None, list[str]]:
        try:
            modules = {path: content.decode() for path, content in files.items() if path.endswith(".rego")}
        except UnicodeDecodeError as error:
            return None, [f"a module is not UTF-8: {error}"]
        composition = compose(Modules(modules, {}))
        problems = [*composition.problems, *absent_problems(composition)]
        if not problems and modules.get(GENERATED_PATH) != composition.text:
            # What joins the guards decides: one that was written by hand could allow everything.
            problems = [f"{GENERATED_PATH}: is not what these guards are joined by: {_REMEDY}"]
        return composition, problems or self._compiler.problems(modules)


def absent_problems(composition: Composition) -> list[str]:
    """A line for each shipped guard that is missing."""
    return [f"the shipped guard {name} is absent, so every call would be refused" for name in composition.absent]


def manifest_problems(manifest: Manifest) -> list[str]:
    """Why no policy's bundle has this manifest."""
    return [f"{MANIFEST}: {problem}: {_REMEDY}" for problem in _unfit(manifest)]


def _unfit(manifest: Manifest) -> Iterator[str]:
    if sorted(manifest.roots) != sorted(ROOTS):
        yield f"roots must be {', '.join(ROOTS)}; they are {', '.join(manifest.roots) or 'none'}"
    if manifest.sequence is None or manifest.sequence >= SEQUENCE_LIMIT:
        yield "no usable metadata.sequence, without which an old policy cannot be told from a new one"
    if not manifest.revision or not manifest.revision.isprintable():
        yield "no revision, which is its name in every decision"


def _misplaced(files: Mapping[str, bytes]) -> Iterator[str]:
    """Data in a policy could stand in for a guard. `SIGNATURES` is missing only where nobody's key was asked for."""
    for path in sorted(files):
        if not path.endswith(".rego") and path not in _BESIDE_RULES:
            yield f"{path}: a policy holds modules and nothing else"
        elif path.endswith(".rego") and not _MODULE.fullmatch(path):
            yield f"{path}: is no path of a module: letters, digits, _ and -, and no dot but in the file's name"
        elif path.endswith("_test.rego"):
            yield f"{path}: tests are not published"
    if SIGNATURES not in files:
        yield f"{SIGNATURES}: missing: {_REMEDY}"
    if files.get(DATA, b"{}").strip() != b"{}":
        yield f"{DATA}: a policy holds no data, which come in bundles of their own"
