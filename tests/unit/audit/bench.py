"""A trail on a real log, as its tests drive it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit.log import FileLog, open_log
from sidecar.audit.salts import Salts
from sidecar.audit.trail import Trail
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

TO_MIDNIGHT_S = 86_400 - 1_795_300_000 % 86_400


class Seen:
    """An observer that keeps what it is told, as kinds and results."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[str, str | None]] = []

    def finished(self, opening: bytes, closing: bytes | None) -> None:
        self.exchanges.append((orjson.loads(opening)["kind"], orjson.loads(closing)["result"] if closing else None))


class Bench:
    def __init__(self, audit_dir: Path) -> None:
        self.clock = FixedClock()
        self.log: FileLog = open_log(audit_dir / "0", self.clock)
        self.seen = Seen()
        self.salts_dir = audit_dir / "salts"
        salts = Salts(self.salts_dir, self.clock)
        self.trail = Trail(self.log, salts, self.clock, engine="opa", observer=self.seen)
        self._path = audit_dir / "0" / "ledger" / "records.jsonl"

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self._path.read_bytes().splitlines()]

    def kinds(self) -> list[str]:
        return [line["kind"] for line in self.lines]

    def lose_salts(self) -> None:
        """A new day begins, and its salt cannot be made."""
        shutil.rmtree(self.salts_dir, ignore_errors=True)
        self.salts_dir.write_bytes(b"a file where the folder should be")
        self.clock.advance(TO_MIDNIGHT_S)

    def break_log(self) -> None:
        self.log._broken = "a write failed"
