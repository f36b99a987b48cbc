"""Whether a record is under a signed checkpoint: asked of one record, by a proof, without reading the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.identity import origin_of
from sidecar.ledger.merkle import leaf_hash
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.proofs import ProofInvalid, inclusion_proof, verify_inclusion
from sidecar.ledger.tiles import TileFolder, TileMissing

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


def cover(folder: LogFolder, keys: Sequence[VerifierKey], log_id: str, kind: str, entry: Entry) -> Coverage:
    """The coverage of one record by the log's newest checkpoint. Raises OSError."""

    def result(problem: str | None, signed: Checkpoint | None = None, proof: Sequence[bytes] = ()) -> Coverage:
        return Coverage(log_id, kind, entry.sequence, entry.record, signed, note, proof, problem)

    note = b""
    try:
        note = folder.newest_checkpoint().read_bytes()
        signed = open_checkpoint(note, keys, origin_of(log_id))
        if entry.sequence >= signed.size:
            return result(f"the newest checkpoint covers {signed.size:,} records, and this one is newer", signed)
        proof = inclusion_proof(TileFolder(folder.path).read, entry.sequence, signed.size)
        verify_inclusion(leaf_hash(entry.record), entry.sequence, signed.size, proof, signed.root)
    except FileNotFoundError:
        return result("the log has no checkpoint")
    except (NoteInvalid, ProofInvalid, TileMissing) as error:
        return result(str(error))
    return result(None, signed, proof)
