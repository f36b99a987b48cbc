"""What a witness needs to cosign a log's newest checkpoint: C2SP tlog-witness, the body of `add-checkpoint`.

    old <size of the checkpoint that the witness has>
    base64 of each hash of the consistency proof (RFC 6962, section 2.1.2)
    (an empty line)
    the newest checkpoint

A witness outside of the reach of whoever runs the sidecar is the strongest anchor that a log can have.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from sidecar.evidence.checkpoints import newest_provable
from sidecar.evidence.prove import NotProven
from sidecar.ledger.checkpoint import Checkpoint, open_checkpoint
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.proofs import ProofInvalid, consistency_proof, verify_consistency
from sidecar.ledger.tiles import TileFolder, TileMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.evidence.folders import LogFolder
    from sidecar.ledger.note import VerifierKey


def make_request(folder: LogFolder, older_note: bytes, keys: Sequence[VerifierKey]) -> bytes:
    """The request by which a witness that has the older checkpoint learns of the newest. Raises NotProven, OSError."""
    path = newest_provable(folder)
    if path is None:
        raise NotProven("the log has no checkpoint")
    note = path.read_bytes()
    try:
        older = open_checkpoint(older_note, keys)
        newest = open_checkpoint(note, keys, older.origin)
        proof = consistency_proof(TileFolder(folder.path).read, older.size, newest.size)
    except ValueError as error:
        raise NotProven(f"the log was rolled back, or the checkpoint is of a later state: {error}") from error
    except (NoteInvalid, TileMissing) as error:
        raise NotProven(str(error)) from error
    _verify(older, newest, proof)
    lines = [f"old {older.size}", *(b64encode(each).decode() for each in proof), ""]
    return "".join(f"{line}\n" for line in lines).encode() + note


def check_request(request: bytes, older_note: bytes, keys: Sequence[VerifierKey]) -> Checkpoint:
    """The newer checkpoint of a request, which continues the older one. Raises NotProven."""
    head, gap, note = request.partition(b"\n\n")
    try:
        size, *encoded = head.decode("ascii").split("\n")
        proof = [b64decode(each, validate=True) for each in encoded]
        older = open_checkpoint(older_note, keys)
        newest = open_checkpoint(note, keys, older.origin)
    except (ValueError, NoteInvalid) as error:
        raise NotProven(f"this is no request of tlog-witness: {error}") from error
    if not gap or size != f"old {older.size}":
        raise NotProven("the request is not for one who has that checkpoint")
    _verify(older, newest, proof)
    return newest


def _verify(older: Checkpoint, newest: Checkpoint, proof: Sequence[bytes]) -> None:
    try:
        verify_consistency(older.size, older.root, newest.size, newest.root, proof)
    except ProofInvalid as error:
        raise NotProven(f"the log does not continue that checkpoint: {error}") from error
