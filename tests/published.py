"""Policy bundles as a registry takes them: the shipped rules with guards of one's own, composed and signed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.bundles import archive
from sidecar.bundles.archive import SIGNATURES
from sidecar.bundles.manifest import Manifest
from sidecar.policy.compose import Modules, compose, load_modules
from sidecar.policy.examine import ROOTS
from tests.keys import signing_key

if TYPE_CHECKING:
    from sidecar.bundles.signing import SigningKey

REGO = Path(__file__).resolve().parents[1] / "rego"
MANIFEST = Manifest("0f3c", ROOTS, 7, 1.5)
GUARD = "package guards.own.request\n\ndefault pass := false\n\n"


def files(manifest: Manifest = MANIFEST, **own: str) -> dict[str, bytes]:
    """By path; `own`: guards of one's own, by name."""
    texts = {**load_modules(REGO).policies, **{f"guards/{name}/request.rego": text for name, text in own.items()}}
    composed = compose(Modules(texts, {}))
    return {path: text.encode() for path, text in composed.policies.items()} | {".manifest": manifest.as_bytes()}


def packed(content: dict[str, bytes], scope: str = "policy", key: SigningKey | None = None) -> bytes:
    """The signed archive."""
    signer = key or signing_key()
    return archive.write(content | {SIGNATURES: signer.sign(content, scope)})


def policy(sequence: int, **own: str) -> bytes:
    """A good one."""
    return packed(files(replace(MANIFEST, revision=f"commit-{sequence}", sequence=sequence), **own))
