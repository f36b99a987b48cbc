"""A folder of Rego → the signed bundle `policy`, as every OPA of the deployment takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.authoring.findings import Finding, placed
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES, write
from sidecar.policy.compose import compose, load_modules
from sidecar.policy.examine import NAME, absent_problems
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.bundles.manifest import Manifest
    from sidecar.bundles.signing import SigningKey
    from sidecar.policy.compiling import Compiler
    from sidecar.policy.examine import Examiner


class NotGood(Exception):
    """A policy that no engine may have. `findings`: all that is wrong with it."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(one.as_text() for one in findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle and what its manifest says."""

    archive: bytes
    manifest: Manifest
    guards: tuple[str, ...]


def build(root: Path, manifest: Manifest, key: SigningKey, compiler: Compiler) -> Built:
    """Composes what lies in `root` and signs it, less its tests. Raises `NotGood` and OSError."""
    composition = compose(load_modules(root))
    findings = [placed("composition", problem) for problem in (*composition.problems, *absent_problems(composition))]
    findings += [placed("compile", problem) for problem in compiler.problems(composition.policies)]
    if findings:
        raise NotGood(findings)
    files = {path: text.encode() for path, text in composition.policies.items()}
    files |= {DATA: b"{}", MANIFEST: manifest.as_bytes()}
    files[SIGNATURES] = key.sign(files, NAME)
    return Built(write(files), manifest, tuple(composition.guards))


def examined(archive: bytes, examiner: Examiner) -> Built:
    """A bundle that somebody has built, looked at before it is published; raises `NotGood`."""
    try:
        found = examiner.examine(archive)
    except PolicyProblems as problems:
        raise NotGood([placed("bundle", problem) for problem in problems.problems]) from None
    return Built(archive, found.manifest, found.guards)
