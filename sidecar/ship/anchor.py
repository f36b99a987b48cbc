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
    from sidecar.ship.store import Store

FOLDER = "checkpoints"
GROUPS = 5
_GROUP = re.compile(r"\d{4}", re.ASCII)


class AnchorInvalid(Exception):
    """The archive's newest checkpoint is none of this log's keys; the message has the remedy."""


def checkpoint_name(size: int) -> str:
    """20 digits in folders, so that five short lists find the largest: `checkpoints/0000/0000/0000/0123/4567`."""
    digits = f"{size:020}"
    return "/".join((FOLDER, *(digits[at : at + 4] for at in range(0, len(digits), 4))))


def largest_checkpoint(archive_url: str, log_id: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """The newest checkpoint of a log in an archive; None where there is none.

    Raises StoreInvalid, Unavailable (the archive cannot be asked) and AnchorInvalid: who cannot read the anchor does
    not know whether the log was rolled back.
    """
    store = open_store(archive_url)
    name = _largest(store, f"{log_id}/{FOLDER}", GROUPS)
    if name is None:
        return None
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


def _largest(store: Store, folder: str, depth: int) -> str | None:
    """The last name below a folder; a folder that a crash left empty is passed over."""
    if depth == 0:
        return folder
    groups = sorted((name for name in store.names(folder) if _GROUP.fullmatch(name)), reverse=True)
    return next(filter(None, (_largest(store, f"{folder}/{group}", depth - 1) for group in groups)), None)
