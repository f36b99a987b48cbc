"""`python -m sidecar.ship.check`: whether a log continues what an archive has of it.

A process of its own, since an object store's driver takes more memory than the data path has. Prints what is wrong.
Exit codes: 0 it does, 1 it does not, 3 the archive cannot be asked now.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.identity import log_id_of
from sidecar.ledger.keys import read_public
from sidecar.ledger.layout import Layout
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.tiles import TileFolder
from sidecar.ship.anchor import AnchorInvalid, RolledBack, check_continues, largest_checkpoint
from sidecar.ship.destination import Unavailable
from sidecar.ship.store import StoreInvalid

if TYPE_CHECKING:
    from collections.abc import Sequence

DIFFERS = 1
UNAVAILABLE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Compares; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sidecar.ship.check", description=__doc__)
    parser.add_argument("--slot-dir", type=Path, required=True, help="the worker slot's folder in --audit-dir")
    parser.add_argument("--public-key", type=Path, required=True, metavar="FILE", help="the log's .pub file")
    parser.add_argument("--archive", metavar="URL", required=True, help="a folder, or a URL that fsspec knows")
    options = parser.parse_args(arguments)
    try:
        compare(Layout(options.slot_dir), options.public_key, options.archive)
    except (RolledBack, AnchorInvalid, StoreInvalid, NoteInvalid) as found:
        sys.stdout.write(f"{found}\n")
        return DIFFERS
    except Unavailable as found:
        sys.stdout.write(f"{found}\n")
        return UNAVAILABLE
    return 0


def compare(layout: Layout, public_file: Path, archive: str) -> None:
    """Raises RolledBack, AnchorInvalid, StoreInvalid, NoteInvalid, Unavailable."""
    keys = read_public(public_file)
    signed = open_checkpoint(layout.checkpoint.read_bytes(), keys)
    log_id = log_id_of(signed.origin)
    check_continues(largest_checkpoint(archive, log_id, keys), signed, TileFolder(layout.ledger_dir).read)


if __name__ == "__main__":
    sys.exit(main())
