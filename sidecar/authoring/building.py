"""A folder of Rego → the signed bundle `policy`, as every OPA of the deployment takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.authoring.findings import Finding, placed
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES, read, write
from sidecar.bundles.invalid import BundleInvalid
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compose import GENERATED_PATH, Modules, compose, load_modules

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sidecar.authoring.compiling import Compiler
    from sidecar.bundles.signing import SigningKey, VerifyingKey

NAME = "policy"
"""The bundle's name, which is its signature's scope."""
ROOTS = ("sidecar", "guards", "lib")
"""What it owns of `data`: all that is Rego. Facts and limits come in bundles of their own."""


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
    findings = [placed("composition", problem) for problem in composition.problems]
    findings += [_absent(guard) for guard in composition.absent]
    findings += compiler.problems(composition.policies)
    if findings:
        raise NotGood(findings)
    files = {path: text.encode() for path, text in composition.policies.items()}
    files |= {DATA: b"{}", MANIFEST: manifest.as_bytes()}
    files[SIGNATURES] = key.sign(files, NAME)
    return Built(write(files), manifest, tuple(composition.guards))


def examine(archive: bytes, key: VerifyingKey | None, compiler: Compiler) -> Built:
    """Looks at a bundle before it is published: all that an engine or the registry would hold against it, and more.

    An OPA that fetches a bundle knows no capabilities, so here is the last place to refuse what a policy may not call.
    Raises `NotGood`.
    """
    try:
        files = read(archive)
        manifest = Manifest.of(files.get(MANIFEST, b"{}"))
        if key is not None:
            key.verify(files, NAME)
        modules = {path: content.decode() for path, content in files.items() if path.endswith(".rego")}
    except (BundleInvalid, UnicodeDecodeError) as error:
        raise NotGood([Finding("bundle", str(error))]) from None
    composition = compose(Modules(modules, {}))
    findings = [Finding("bundle", told) for told in _manifest(manifest, files)]
    findings += [placed("composition", problem) for problem in composition.problems]
    findings += [_absent(guard) for guard in composition.absent]
    if modules.get(GENERATED_PATH) != composition.text:
        findings.append(Finding("bundle", "is not what joins the guards of this bundle", GENERATED_PATH))
    findings += compiler.problems(composition.policies)
    if findings:
        raise NotGood(findings)
    return Built(archive, manifest, tuple(composition.guards))


def _manifest(manifest: Manifest, files: Mapping[str, bytes]) -> list[str]:
    others = sorted(path for path in files if not _decides(path) and path not in (DATA, MANIFEST, SIGNATURES))
    problems = [
        (bool(others), f"it holds {', '.join(others)} beside the modules that decide"),
        (SIGNATURES not in files, "it is not signed"),
        (not manifest.revision, "its manifest names no revision"),
        (manifest.sequence is None, "its manifest has no sequence, without which an old one cannot be told from a new"),
        (set(manifest.roots) != set(ROOTS), f"its roots are {list(manifest.roots)}, not {list(ROOTS)}"),
        (files.get(DATA, b"{}").strip() != b"{}", "it holds data, which come in bundles of their own"),
    ]
    return [told for is_so, told in problems if is_so]


def _decides(path: str) -> bool:
    return path.endswith(".rego") and not path.endswith("_test.rego")


def _absent(guard: str) -> Finding:
    return Finding("composition", f"the shipped guard {guard} is absent, so every call would be refused")
