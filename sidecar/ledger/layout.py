"""Where everything of one worker slot's log lies.

What `audit verify` covers is in the folder named `ledger` and nothing else is (contract 7); lock, reserve and
cursors lie beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.segments import FOLDER, segment_name

if TYPE_CHECKING:
    from pathlib import Path

LEDGER = "ledger"
CHECKPOINT = "checkpoint"
IDENTITY = "identity"
TILES = "tile"
CHECKPOINTS = "checkpoints"
"""Only in an archive, which keeps every checkpoint that was sent."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths in one slot's folder."""

    slot_dir: Path

    @property
    def ledger_dir(self) -> Path:
        """All that is under proof."""
        return self.slot_dir / LEDGER

    @property
    def checkpoint(self) -> Path:
        """The newest signed checkpoint."""
        return self.ledger_dir / CHECKPOINT

    @property
    def identity(self) -> Path:
        """Which log this is."""
        return self.ledger_dir / IDENTITY

    @property
    def lock(self) -> Path:
        """Held by the one process that writes."""
        return self.slot_dir / "lock"

    @property
    def reserve(self) -> Path:
        """The next segment, whose blocks are there already."""
        return self.slot_dir / "reserve"

    @property
    def draft(self) -> Path:
        """A file that has its content and not yet its name."""
        return self.slot_dir / "draft"

    @property
    def cursors(self) -> Path:
        """How far each destination has acknowledged, one file each."""
        return self.slot_dir / "cursors"

    def segment(self, first: int) -> Path:
        """The segment that begins with a sequence."""
        return self.ledger_dir / FOLDER / segment_name(first)


def checkpoint_name(size: int) -> str:
    """`checkpoints/00000000000001234567`, where an archive has one: names sort like sizes."""
    return f"{CHECKPOINTS}/{size:020}"


def slots(audit_dir: Path) -> list[Layout]:
    """The slots of an audit folder that have a ledger, in order."""
    found = [path.parent for path in audit_dir.glob(f"*/{LEDGER}") if path.is_dir()]
    return [Layout(path) for path in sorted(found, key=lambda path: (len(path.name), path.name))]  # 2 before 10
