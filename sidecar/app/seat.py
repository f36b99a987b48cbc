"""Where a process sits: alone, or as one of several workers. What it shares with those beside it, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.layout import Layout, slots
from sidecar.model.budget import Budget

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from sidecar.app.workers.counters import Counted, Counters
    from sidecar.policy.followed import Told
    from sidecar.settings import Settings


@dataclass(frozen=True, slots=True)
class Seat:
    """One worker's. `counters`, `window_socket` and `engine` are None where it shares none: as a process alone.

    `engine`: what is told of the OPA that the supervisor runs.
    """

    slot: int = 0
    counters: Counters | None = None
    window_socket: Path | None = None
    engine: asyncio.Queue[Told] | None = None

    def budget(self, counted: Counted, limit: int) -> Budget:
        """A bound that holds for all workers."""
        return Budget(limit) if self.counters is None else self.counters.budget(counted, self.slot, limit)

    def layout(self, settings: Settings) -> Layout:
        """Where this worker's log lies."""
        return Layout(settings.audit_dir / str(self.slot))

    def left_over(self, settings: Settings) -> list[Layout]:
        """Logs of slots that no worker has any more, when there were more of them: the first one keeps them."""
        if self.slot != 0:
            return []
        return [layout for layout in slots(settings.audit_dir) if _number(layout) >= settings.workers]


ALONE = Seat()


def _number(layout: Layout) -> int:
    """Of a slot; -1 for a folder that is none of ours."""
    name = layout.slot_dir.name
    return int(name) if name.isdecimal() and str(int(name)) == name else -1
