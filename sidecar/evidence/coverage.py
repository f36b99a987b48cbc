"""Whether a record is under a signed checkpoint: asked of one record, by a proof, without reading the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.evidence.checkpoints import newest_provable
from sidecar.evidence.findings import Findings
from sidecar.evidence.verify.tree import SignedTree
from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.identity import origin_of
from sidecar.ledger.merkle import leaf_hash
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.proofs import ProofInvalid, inclusion_proof, verify_inclusion
from sidecar.ledger.reading import first_sequence
from sidecar.ledger.tiles import TileMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.evidence.folders import LogFolder
    from sidecar.ledger.checkpoint import Checkpoint
    from sidecar.ledger.note import VerifierKey
    from sidecar.ledger.reading import Entry


@dataclass(frozen=True, slots=True)
class Coverage:
    """One record and its proof. `problem` says why nothing proves it; `proof` is empty then."""

    log_id: str
    kind: str
    sequence: int
    record: bytes
    signed: Checkpoint | None
    note: bytes
    proof: Sequence[bytes]
    problem: str | None

    @property
    def is_proven(self) -> bool:
        """Whether a signed checkpoint covers it."""
        return self.problem is None

    @property
    def text(self) -> str:
        """In words."""
        if self.problem is not None or self.signed is None:
            return f"NOT PROVEN: {self.problem}"
        return f"proven: under the signed checkpoint of {self.signed.size:,} records"


def cover(
    folder: LogFolder, keys: Sequence[VerifierKey], log_id: str, records: Sequence[tuple[str, Entry]]
) -> list[Coverage]:
    """The coverage of records of one log, each with its kind, by its newest checkpoint. Raises OSError.

    Of an archive the newest one is taken that can be checked by what is there.
    """
    path = newest_provable(folder)
    note = path.read_bytes() if path is not None else b""
    try:
        signed = open_checkpoint(note, keys, origin_of(log_id)) if path is not None else None
        problem = None if signed is not None else "the log has no checkpoint"
    except NoteInvalid as error:
        signed, problem = None, str(error)
    tree = _tree(folder, signed) if signed is not None else None

    def covered(kind: str, entry: Entry) -> Coverage:
        proof, why_not = _prove(entry, tree, signed) if tree is not None and signed is not None else ((), problem)
        return Coverage(log_id, kind, entry.sequence, entry.record, signed, note, proof, why_not)

    return [covered(kind, entry) for kind, entry in records]


def _tree(folder: LogFolder, signed: Checkpoint) -> SignedTree:
    """The log's tiles; those that an archive lacks are made from records. What is wrong is for `verify` to tell."""
    first = first_sequence(folder.path)
    return SignedTree(folder.path, signed.size, signed.root, Findings(), first=first, has_edge_files=False)


def _prove(entry: Entry, tree: SignedTree, signed: Checkpoint) -> tuple[Sequence[bytes], str | None]:
    """A proof, or why there is none."""
    if entry.sequence >= signed.size:
        return (), f"the newest checkpoint covers {signed.size:,} records, and this one is newer"
    try:
        proof = inclusion_proof(tree.read, entry.sequence, signed.size)
        verify_inclusion(leaf_hash(entry.record), entry.sequence, signed.size, proof, signed.root)
    except (ProofInvalid, TileMissing) as error:
        return (), str(error)
    return proof, None
