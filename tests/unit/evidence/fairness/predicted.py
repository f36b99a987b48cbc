"""Logs of predictions, written by the ledger's own writer, a second apart unless said otherwise."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sidecar.audit.policies import KeptPolicies
from sidecar.audit.port import Kind, Record
from sidecar.evidence.folders import find_logs
from sidecar.fairness.throttle import Armed
from sidecar.policy.bundle import Bundle, content_revision
from tests.support import policy_data
from tests.unit.evidence.ledgers import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sidecar.evidence.folders import LogFolder
    from sidecar.fairness.throttle import Released

BEGINS_UNIX_S = 1_795_300_000.0
"""21 November 2026, 22:26:40 UTC: the epoch of a day ends 5,600 s later."""


MODULES = {"rules.rego": "package rules\n"}
COMMIT_RECORDS = 64


class Predicted:
    """One replica's log."""

    def __init__(self, folder: Path, name: str = "audit") -> None:
        self.audit_dir = folder / name
        self._writer = Writer(self.audit_dir, segment_bytes=1 << 20)
        self.clock = self._writer.clock
        self._number = self._staged = 0

    def keep_policy(self, **model: object) -> None:
        """Keeps a policy with data of one model `credit` beside the log, as a sidecar does; its rules do not matter."""
        data = json.dumps(policy_data(BEGINS_UNIX_S, **model)).encode()
        bundle = Bundle(content_revision(MODULES, data), MODULES, data, ())
        KeptPolicies(self.audit_dir, self.clock).keep(bundle.revision, bundle.archive())

    def exchange(
        self,
        groups: str,
        positive: Iterable[int],
        *,
        model: str = "credit",
        version: str | None = None,
        result: str = "released",
        after_s: float = 1.0,
    ) -> str:
        """One exchange, an instance for each letter of `groups`; `positive` are indices. Its decision id."""
        self.clock.advance(after_s)
        self._number += 1
        positive = list(positive)
        decision_id = f"{self.audit_dir.name.encode().hex():0>16.16}{self._number:016x}"
        endpoint = {"protocol": "v2", "operation": "infer", "model": model, "version": version}
        attributes = {"groups": {"value": list(groups), "status": "present"}}
        scores = [0.75 if index in positive else 0.25 for index in range(len(groups))]
        self.write(
            Kind.INTENT,
            decision_id,
            started_unix_ns=self.clock.unix_ns(),
            endpoint=endpoint,
            input={"attributes": attributes, "instances": len(groups)},
        )
        self.write(
            Kind.OUTCOME, decision_id, result=result, input={"prediction": {"scores": scores}}, positive=positive
        )
        return decision_id

    def stream(self, count: int, *, favoured: float = 0.8, other: float = 0.2, after_s: float = 1.0) -> None:
        """So many predictions, every fourth of group b, with these shares of positive ones, evenly spread."""
        for number in range(count):
            group, share = ("b", other) if number % 4 == 0 else ("a", favoured)
            is_positive = int((number // 4 + 1) * share) > int(number // 4 * share)
            self.exchange(group, [0] if is_positive else [], after_s=after_s)

    def event(self, told: Armed | Released) -> None:
        """A throttle's beginning or end."""
        name = "throttle_armed" if isinstance(told, Armed) else "throttle_released"
        self.write(Kind.EVENT, None, event=name, details=asdict(told))

    def write(self, kind: Kind, decision_id: str | None, **members: Any) -> None:
        ids = {} if decision_id is None else {"decision_id": decision_id, "request_id": "r", "trace_id": decision_id}
        body = json.dumps({**ids, **members}, separators=(",", ":")).encode()
        self._writer.stage(Record(kind, body, decision_id))
        self._staged += 1
        if self._staged % COMMIT_RECORDS == 0:
            self._writer.write()

    def flush(self) -> Path:
        """All of it on disk, as a crash leaves it; the ledger's folder."""
        self._writer.write()
        return self._writer.ledger_dir

    def close(self) -> list[LogFolder]:
        self.flush()
        self._writer.close()
        return find_logs(self.audit_dir)
