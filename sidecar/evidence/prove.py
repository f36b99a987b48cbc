"""A proof of one decision that stands alone: its exact records, each with a C2SP tlog-proof, and the key's name.

One JSON document. Who checks it needs the document and the log's public key, had from somebody they trust; not the
log, and not this software: every part is in a published format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.identity import origin_of
from sidecar.ledger.merkle import leaf_hash
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.proofs import ProofInvalid, format_proof, parse_proof, verify_inclusion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.evidence.coverage import Coverage
    from sidecar.ledger.note import VerifierKey

FORMAT = "model-policy-sidecar proof v1"


class NotProven(Exception):
    """There is no proof, or what was given proves nothing. The message says why."""


def make_proof(decision_id: str, coverage: Sequence[Coverage], keys: Sequence[VerifierKey]) -> dict[str, Any]:
    """The document on the records of one decision, all of one log. Raises NotProven."""
    for one in coverage:
        if not one.is_proven:
            raise NotProven(f"record {one.sequence} ({one.kind}): {one.problem}")
    origin = origin_of(coverage[0].log_id)
    return {
        "format": FORMAT,
        "decision_id": decision_id,
        "log": coverage[0].log_id,
        "vkeys": [key.vkey for key in keys if key.name == origin],
        "checkpoint": coverage[0].note.decode(),
        "records": [
            {
                "kind": one.kind,
                "index": one.sequence,
                "record": one.record.decode(),
                "proof": format_proof(one.sequence, one.proof, one.note).decode(),
            }
            for one in coverage
        ],
    }


def check_proof(document: bytes, keys: Sequence[VerifierKey]) -> list[dict[str, Any]]:
    """The proven records of a document, parsed. Raises NotProven.

    The document's own `vkeys` are not trusted: they only say which key to ask for.
    """
    claimed = _parsed(document)
    try:
        decision_id, log_id = str(claimed["decision_id"]), str(claimed["log"])
        parts = cast("list[dict[str, Any]]", claimed["records"])
        if not parts:
            raise NotProven("the document has no record")
        return [_check_part(part, claimed["checkpoint"], decision_id, log_id, keys) for part in parts]
    except KeyError as error:
        raise NotProven(f"the document, or a record in it, has no `{error.args[0]}`") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise NotProven(f"the document is not written as a {FORMAT} is") from error


def _parsed(document: bytes) -> dict[str, Any]:
    try:
        claimed: object = orjson.loads(document)
    except ValueError as error:
        raise NotProven("the document is no JSON") from error
    if not isinstance(claimed, dict):
        raise NotProven("the document is no JSON object")
    members = cast("dict[str, Any]", claimed)
    if members.get("format") != FORMAT:
        raise NotProven(f"the document's `format` is not `{FORMAT}`" if "format" in members else "it has no `format`")
    return members


def _check_part(
    part: Mapping[str, Any], checkpoint: str, decision_id: str, log_id: str, keys: Sequence[VerifierKey]
) -> dict[str, Any]:
    record = part["record"].encode()
    shape: dict[str, Any] = orjson.loads(record)
    told = (shape["decision_id"], shape["log"], shape["sequence"], shape["kind"])
    if told != (decision_id, log_id, part["index"], part["kind"]):
        raise NotProven(f"the record at index {shape['sequence']!r} is another than the document says")
    try:
        proof = parse_proof(part["proof"].encode())
        if proof.checkpoint != checkpoint.encode() or proof.index != part["index"]:
            raise NotProven(f"the proof of record {part['index']} is of another checkpoint or index")
        signed = open_checkpoint(proof.checkpoint, keys, origin_of(log_id))
        verify_inclusion(leaf_hash(record), proof.index, signed.size, proof.proof, signed.root)
    except (ProofInvalid, NoteInvalid) as error:
        raise NotProven(f"record {part['index']}: {error}") from error
    return shape
