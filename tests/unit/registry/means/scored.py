"""Logs of scored predictions, written and signed by the ledger's own writer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sidecar.audit.port import Kind, Record
from sidecar.evidence.log import AuditLog
from tests.unit.evidence.ledgers import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Scored:
    """One sidecar's log, an exchange a second."""

    def __init__(self, folder: Path, name: str = "audit") -> None:
        self.audit_dir = folder / name
        self.writer = Writer(self.audit_dir, segment_bytes=1 << 20)
        self._prefix = f"{name.encode().hex():0>16.16}"
        self._number = 0

    def exchange(
        self,
        groups: Sequence[str] | None,
        scores: Sequence[float] | None,
        *,
        model: str = "credit",
        result: str = "released",
        decision_id: str | None = None,
    ) -> str:
        """One exchange, an instance for each score (or one, where there are none); its decision id."""
        self.writer.clock.advance(1.0)
        self._number += 1
        decision_id = decision_id or f"{self._prefix}{self._number:016x}"
        instances = len(scores) if scores is not None else 1
        named = {"value": groups, "status": "present" if groups is not None else "missing"}
        self.stage(
            Kind.INTENT,
            decision_id,
            started_unix_ns=self.writer.clock.unix_ns(),
            endpoint={"protocol": "v2", "operation": "infer", "model": model, "version": None},
            input={"attributes": {"groups": named}, "instances": instances},
        )
        self.stage(Kind.OUTCOME, decision_id, result=result, input={"prediction": {"scores": scores}}, positive=None)
        return decision_id

    def stage(self, kind: Kind, decision_id: str, **members: Any) -> None:
        ids = {"decision_id": decision_id, "request_id": "r", "trace_id": decision_id}
        self.writer.stage(Record(kind, json.dumps({**ids, **members}, separators=(",", ":")).encode(), decision_id))

    def close(self) -> AuditLog:
        """All of it durable and signed."""
        self.writer.write()
        self.writer.close()
        return AuditLog.open(self.audit_dir)
