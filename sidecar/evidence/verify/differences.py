"""Where bytes differ from those that they should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.ledger.merkle import HASH_BYTES

if TYPE_CHECKING:
    from sidecar.evidence.findings import Findings


def first_difference(held: bytes, right: bytes) -> int:
    """The first place; behind the shorter one where they differ in nothing else."""
    pairs = enumerate(zip(held, right, strict=False))
    return next((at for at, (one, other) in pairs if one != other), min(len(held), len(right)))


def compare_tile(path: str, held: bytes, right: bytes, findings: Findings) -> None:
    """Notes the first hash of a tile that is not as it must be. Both have as many hashes."""
    if held != right:
        at = first_difference(held, right)
        findings.add(Code.TILE_DAMAGED, f"hash {at // HASH_BYTES} is not that of what lies below it", path, at)
