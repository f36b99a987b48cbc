"""A trail on a real log, as its tests drive it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit.lookup import export
from sidecar.audit.opening import open_log
from sidecar.audit.salts import FOLDER, Salts
from sidecar.audit.trail import Trail
from tests.support import FixedClock, audit_terms

if TYPE_CHECKING:
    from pathlib import Path

TO_MIDNIGHT_S = 86_400 - 1_795_300_000 % 86_400


class Bench:
    """To be made on a running event loop, and closed."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self.audit_dir = folder / "audit"
        self.log = open_log(self.audit_dir / "0", audit_terms(self.audit_dir), self.clock)
        self.log.start()
        self.salts_dir = self.audit_dir / FOLDER
        self.trail = Trail(self.log, Salts(self.audit_dir, self.clock), self.clock, engine="opa")

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(record) for record in export(self.audit_dir)]

    def kinds(self) -> list[str]:
        return [line["kind"] for line in self.lines]

    def lose_salts(self) -> None:
        """A new day begins, and its salt cannot be made."""
        shutil.rmtree(self.salts_dir, ignore_errors=True)
        self.salts_dir.write_bytes(b"a file where the folder should be")
        self.clock.advance(TO_MIDNIGHT_S)

    def break_log(self) -> None:
        self.log._writer.broken = "a write failed"
