"""`sidecar` with less of an audit trail, to measure what the rest costs; the product has no such switch.

python -m bench.unrecorded off run …        nothing is made, nothing is kept
python -m bench.unrecorded unkept run …     records are made, then forgotten
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sidecar.app import rooms
from sidecar.audit.trail import Opened, Trail
from sidecar.cli import main

if TYPE_CHECKING:
    from sidecar.audit.context import Context
    from sidecar.audit.port import AuditLog, Record


class NoTrail(Trail):
    """A trail that notes nothing."""

    async def intent(self, context: Context, *_: Any, **__: Any) -> Opened:
        return Opened(context, self._salt())

    async def outcome(self, *_: Any, **__: Any) -> None:
        pass

    async def refusal(self, *_: Any, **__: Any) -> None:
        pass


class UnkeptLog:
    """A log that takes records and keeps none."""

    broken = None

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def append(self, record: Record) -> None:
        del record

    def find(self, decision_id: str) -> list[bytes]:
        return []

    async def aclose(self) -> None:
        await self._log.aclose()


class UnkeptTrail(Trail):
    """A trail whose records are made and then forgotten."""

    def __init__(self, log: AuditLog, *arguments: Any, **named: Any) -> None:
        super().__init__(UnkeptLog(log), *arguments, **named)


TRAILS = {"off": NoTrail, "unkept": UnkeptTrail}

if __name__ == "__main__":
    rooms.Trail = TRAILS[sys.argv[1]]
    main(sys.argv[2:])
