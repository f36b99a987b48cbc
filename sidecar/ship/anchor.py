"""The newest checkpoint that an archive has of a log: a log that is smaller was rolled back, or deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.ledger.checkpoint import Checkpoint, open_checkpoint
from sidecar.ledger.note import NoteInvalid
from sidecar.ship.store import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.ledger.note import VerifierKey

FOLDER = "checkpoints"
_SIZE = re.compile(r"\d{20}", re.ASCII)


class AnchorInvalid(Exception):
    """The archive's newest checkpoint is none of this log's keys; the message has the remedy."""


def checkpoint_name(size: int) -> str:
    """`checkpoints/00000000000001234567`: names sort like sizes."""
    return f"{FOLDER}/{size:020}"


def largest_checkpoint(archive_url: str, log_id: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """The newest checkpoint of a log in an archive; None where there is none.

    Raises StoreInvalid, Unavailable (the archive cannot be asked) and AnchorInvalid: who cannot read the anchor does
    not know whether the log was rolled back.
    """
    store = open_store(archive_url)
    sizes = [name for name in store.names(f"{log_id}/{FOLDER}") if _SIZE.fullmatch(name)]
    if not sizes:
        return None
    name = f"{log_id}/{FOLDER}/{max(sizes)}"
    try:
        checkpoint = open_checkpoint(store.read(name), keys)
    except NoteInvalid as error:
        raise AnchorInvalid(
            f"{archive_url}: {name}: {error}. Give the log's public keys (its .pub file), or keep the archive as "
            "evidence and use another"
        ) from error
    if name != f"{log_id}/{checkpoint_name(checkpoint.size)}":
        raise AnchorInvalid(
            f"{archive_url}: {name} holds the checkpoint of size {checkpoint.size}: keep it as evidence"
        )
    return checkpoint
