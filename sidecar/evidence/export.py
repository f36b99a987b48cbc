"""A log as a static C2SP tlog-tiles site: what standard tools read, over HTTP or from a folder.

    checkpoint, tile/<L>/<N>[.p/<W>], tile/entries/<N>[.p/<W>]

An entry bundle has up to 256 records, each behind its length in two bytes, big-endian.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from sidecar.evidence.checkpoints import newest_recorded
from sidecar.ledger.checkpoint import claimed_checkpoint
from sidecar.ledger.layout import CHECKPOINT
from sidecar.ledger.merkle import TILE_WIDTH, Tile, Tree, leaf_hash
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.reading import entries
from sidecar.ledger.tiles import tile_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sidecar.evidence.folders import LogFolder
    from sidecar.ledger.checkpoint import Checkpoint

_LENGTH = struct.Struct(">H")
_ENTRIES = "tile/entries"


class NotExported(Exception):
    """The log cannot be written as a whole site. The message says why."""


def export_tlog(folder: LogFolder, target: Path, tick: Callable[[int, int], None] = lambda _done, _total: None) -> int:
    """Writes all records under the newest checkpoint to a new folder; how many. Raises NotExported, OSError
    (FileExistsError where the folder is not empty).

    Of an archive the newest checkpoint is taken whose records are there. The hash tiles are made from the records, not
    copied, and must make the signed root. `tick` is told of records.
    """
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(f"{target} is not empty: name a new folder")
    note, signed = _newest(folder)
    tree = Tree(lambda tile: _write_tile(target, tile))
    bundle: list[bytes] = []
    for entry in entries(folder.path, 0, signed.size):
        if entry.sequence != tree.size:
            raise NotExported(
                f"the log begins with record {entry.sequence}, for retention deleted the older ones: "
                "a site needs all; export the archive"
            )
        tree.append(leaf_hash(entry.record))
        bundle.append(entry.record)
        if len(bundle) == TILE_WIDTH or tree.size == signed.size:
            _write_bundle(target, tree.size, bundle)
            bundle.clear()
            tick(tree.size, signed.size)
    if tree.size != signed.size:
        raise NotExported(f"{tree.size} of the {signed.size} records that were signed are here: see audit verify")
    if tree.root() != signed.root:
        raise NotExported("the records are not those that were signed: see audit verify")
    for tile in tree.partial_tiles():
        _write_tile(target, tile)
    _write(target / CHECKPOINT, note)
    return tree.size


def _newest(folder: LogFolder) -> tuple[bytes, Checkpoint]:
    path = newest_recorded(folder)
    if path is None:
        raise NotExported(f"{folder.path} has no checkpoint whose records are here")
    note = path.read_bytes()
    try:
        return note, claimed_checkpoint(note)
    except NoteInvalid as error:
        raise NotExported(f"{path}: {error}") from error


def _write_tile(target: Path, tile: Tile) -> None:
    _write(target / tile_path(tile.level, tile.index, tile.width), tile.hashes)


def _write_bundle(target: Path, size: int, records: list[bytes]) -> None:
    path = tile_path(0, (size - 1) // TILE_WIDTH, len(records)).removeprefix("tile/0/")
    _write(target / _ENTRIES / path, b"".join([_LENGTH.pack(len(record)) + record for record in records]))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
