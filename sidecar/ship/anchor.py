"""The newest checkpoint that an archive has of a log, and whether the log still continues it.

A log whose own newest checkpoint is smaller was rolled back; one with another tree was replaced.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from sidecar.ledger.checkpoint import Checkpoint, open_checkpoint
from sidecar.ledger.layout import CHECKPOINTS, checkpoint_name
from sidecar.ledger.merkle import Tree
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.tiles import TileMissing
from sidecar.ship.store import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.ledger.merkle import ReadTile
    from sidecar.ledger.note import VerifierKey

_SIZE = re.compile(r"\d{20}", re.ASCII)

logger = logging.getLogger("sidecar.ship")


class AnchorInvalid(Exception):
    """The archive's newest checkpoint is none of this log's keys; the message has the remedy."""


class RolledBack(Exception):
    """The log does not continue what was archived; the message says what to do."""


def largest_checkpoint(archive_url: str, log_id: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """The newest checkpoint of a log in an archive; None where there is none.

    Raises StoreInvalid, Unavailable (the archive cannot be asked) and AnchorInvalid: who cannot read the anchor does
    not know whether the log was rolled back.
    """
    store = open_store(archive_url)
    sizes = [name for name in store.names(f"{log_id}/{CHECKPOINTS}") if _SIZE.fullmatch(name)]
    if not sizes:
        return None
    name = f"{log_id}/{CHECKPOINTS}/{max(sizes)}"
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


def check_continues(anchored: Checkpoint | None, signed: Checkpoint | None, read: ReadTile) -> None:
    """Raises RolledBack unless a log whose newest checkpoint is `signed` continues what an archive has of it.

    `read` gives the log's tiles. Where retention has deleted those that are needed, the size alone is compared, and
    that is told.
    """
    if anchored is None:
        return
    size = signed.size if signed is not None else 0
    if size < anchored.size:
        raise RolledBack(
            f"the archive has a checkpoint over {anchored.size} records, and the log one over {size}: it was rolled "
            "back. Restore its folder, or keep it as evidence and start with another --audit-dir"
        )
    try:
        root = Tree.restore(anchored.size, read).root()
    except TileMissing as error:
        logger.warning("only the size of the archive's newest checkpoint can be compared: %s", error)
        return
    if root != anchored.root:
        raise RolledBack(
            f"the first {anchored.size} records are not those that were archived. Keep the log's folder and the "
            "archive as evidence, and start with another --audit-dir"
        )
