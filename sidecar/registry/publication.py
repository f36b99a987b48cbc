"""Judging a policy that somebody wants to publish: who signed it, and whether it is one that engines may decide by.

What every engine in reach would activate is checked here once more, whatever the author's own machine has checked.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sidecar.bundles import archive as archives
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES
from sidecar.bundles.invalid import BundleInvalid
from sidecar.bundles.manifest import Manifest
from sidecar.policy.capabilities import CAPABILITIES_FILE
from sidecar.policy.child import problems_told
from sidecar.policy.compose import GENERATED_PATH, Modules, compose
from sidecar.policy.embedded import parse, uncompilable
from sidecar.policy.problems import PolicyProblems
from sidecar.registry.values import Invalid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sidecar.bundles.signing import VerifyingKey

SCOPE = "policy"
ROOTS = frozenset({"sidecar", "guards", "lib"})
CHECK_LIMIT_S = 30.0

_MODULE = re.compile(r"(?:[\w-]+/)*[\w-][\w.-]*\.rego", re.ASCII)
"""What can be laid out in a folder, and leads nowhere else."""
_BESIDE_RULES = frozenset({DATA, MANIFEST, SIGNATURES})


class Compiler(Protocol):
    """Tries what only an engine can tell: whether modules compile, and call nothing that they may not."""

    def problems(self, modules: Mapping[str, str]) -> list[str]:
        """One line each."""
        ...


class OpaCompiler:
    """`opa check` under our capabilities."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def problems(self, modules: Mapping[str, str]) -> list[str]:
        """See `Compiler`."""
        with tempfile.TemporaryDirectory(prefix="sidecar-policy-") as folder:
            for path, text in modules.items():
                file = Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            command = [self._binary, "check", "--strict", "--capabilities", CAPABILITIES_FILE, "--format", "json", "."]
            try:
                done = subprocess.run(  # noqa: S603 - the operator's OPA, with words of ours
                    command, cwd=folder, capture_output=True, timeout=CHECK_LIMIT_S, check=False
                )
            except subprocess.TimeoutExpired:
                return ["`opa check` took too long"]
        return problems_told(done.stdout + done.stderr) if done.returncode else []


class EmbeddedCompiler:
    """regorus, and a walk of its syntax trees."""

    def problems(self, modules: Mapping[str, str]) -> list[str]:
        """See `Compiler`."""
        try:
            parse(modules)
        except PolicyProblems as found:
            return list(found.problems)
        return uncompilable(modules)


class Inspector:
    """`key`: of who signs policies."""

    def __init__(self, key: VerifyingKey, compiler: Compiler) -> None:
        self._key = key
        self._compiler = compiler

    def inspect(self, archive: bytes) -> Manifest:
        """The manifest of a bundle that may be published; raises `Invalid` with every problem. Blocks for a second."""
        try:
            files = archives.read(archive)
            self._key.verify(files, SCOPE)
            manifest = Manifest.of(files.get(MANIFEST, b"{}"))
        except BundleInvalid as error:
            raise Invalid(f"the bundle is not accepted: {error}") from None
        misplaced = list(_misplaced(files))
        problems = [*misplaced, *_unfit(manifest), *([] if misplaced else self._uncomposed(files))]
        if problems:
            raise Invalid(*problems)
        return manifest

    def _uncomposed(self, files: Mapping[str, bytes]) -> list[str]:
        try:
            modules = {path: content.decode() for path, content in files.items() if path.endswith(".rego")}
        except UnicodeDecodeError as error:
            return [f"a module is not UTF-8: {error}"]
        composition = compose(Modules(modules, {}))
        problems = [*composition.problems, *(f"the shipped guard {name} is absent" for name in composition.absent)]
        if not problems and modules.get(GENERATED_PATH) != composition.text:
            # What joins the guards decides: one that was written by hand could allow everything.
            problems = [
                f"{GENERATED_PATH} is not what these guards are joined by: build it with `sidecar policy build`"
            ]
        return problems or self._compiler.problems(modules)


def _misplaced(files: Mapping[str, bytes]) -> Iterator[str]:
    """Data in a policy could stand in for a guard."""
    for path in sorted(files):
        if not path.endswith(".rego") and path not in _BESIDE_RULES:
            yield f"{path}: a policy holds modules and nothing else"
        elif path.endswith(".rego") and not _MODULE.fullmatch(path):
            yield f"{path}: is no path of a module: letters, digits, _ and -, and no dot but in the file's name"
        elif path.endswith("_test.rego"):
            yield f"{path}: tests are not published"
    if files.get(DATA, b"{}").strip() != b"{}":
        yield f"{DATA}: a policy holds no data: that comes from the registry"


def _unfit(manifest: Manifest) -> Iterator[str]:
    if frozenset(manifest.roots) != ROOTS or len(manifest.roots) != len(ROOTS):
        yield f".manifest: roots must be {', '.join(sorted(ROOTS))}; they are {', '.join(manifest.roots)}"
    if manifest.sequence is None:
        yield ".manifest: metadata.sequence is missing: engines could not tell an old policy from a new one"
    if not manifest.revision:
        yield ".manifest: revision is missing"
