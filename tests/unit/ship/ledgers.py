"""Small ledgers, written by the real writer, step by step: nothing is signed until a test says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sidecar.ledger.files import OsFiles
from sidecar.ledger.layout import Layout
from sidecar.ledger.notary import Snapshot
from sidecar.ledger.opening import Terms, open_ledger
from sidecar.ledger.retention import Keep
from sidecar.model.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

START_NS = 1_795_300_000_000_000_000
SEGMENT_BYTES = 4_096
ALLOW = {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 0}


class WrittenLog:
    """A log open for writing. Records are a second apart, by their own word."""

    def __init__(self, slot_dir: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.layout = Layout(slot_dir)
        terms = Terms(
            key_file=slot_dir.parent.with_suffix(".key"),
            public_file=slot_dir.parent.with_suffix(".pub"),
            segment_bytes=segment_bytes,
            keep=Keep(age_s=1e9, size_bytes=1 << 40),
            host="host",
        )
        self.public_file = terms.public_file
        files = OsFiles(self.layout.draft)
        self._ledger = open_ledger(files, self.layout, terms, SystemClock(), lambda *_: None)
        self.log_id = self._ledger.log_id

    def __enter__(self) -> WrittenLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._ledger.close()

    @property
    def size(self) -> int:
        return self._ledger.appender.next_sequence

    @property
    def first_of_newest(self) -> int:
        return self._ledger.appender.first

    def write(self, *bodies: dict[str, Any]) -> list[int]:
        """Makes records of bodies durable, and says their sequences. `kind` is a member of each body here."""
        sequences: list[int] = []
        for body in bodies:
            sequence = self.size
            head = {"v": 1, "log": self.log_id, "kind": body["kind"], "sequence": sequence}
            head["time_unix_ns"] = START_NS + sequence * 1_000_000_000
            self._ledger.notary.reserve(self._ledger.appender)
            self._ledger.appender.stage(orjson.dumps(head | body))
            sequences.append(sequence)
        self._ledger.appender.flush()
        self._ledger.appender.absorb()
        return sequences

    def sign(self) -> int:
        """Signs a checkpoint over all that was written: from now on it may be shipped. Its size."""
        tree, tiles = self._ledger.appender.tree, self._ledger.recovered.tiles
        self._ledger.notary.publish(Snapshot(tree.size, tree.root(), tuple(tiles), tree.partial_tiles()))
        tiles.clear()
        return tree.size

    def write_signed(self, *bodies: dict[str, Any]) -> int:
        self.write(*bodies)
        return self.sign()


def decision_id(number: int) -> str:
    """Its first half is the span's id."""
    return f"{number:016x}{'f' * 16}"


def intent(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "INTENT",
        "decision_id": decision_id(number),
        "request_id": f"r-{number}",
        "trace_id": "b" * 32,
        "parent_span_id": "c" * 16,
        "started_unix_ns": START_NS,
        "mode": "enforce",
        "request": {"method": "POST", "path": "/v2/models/credit/infer"},
        "endpoint": {"protocol": "v2", "operation": "infer", "model": "credit", "version": None},
        "input": None,
        "decision": ALLOW,
        "policy_revision": "rev-1",
        "engine": "embedded",
        **changes,
    }


def outcome(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "kind": "OUTCOME",
        "decision_id": decision_id(number),
        "request_id": f"r-{number}",
        "trace_id": "b" * 32,
        "result": "released",
        "status": 200,
        "decision": ALLOW,
        "policy_revision": "rev-1",
        "stage_us": {"upstream": 7},
        **changes,
    }


def refusal(number: int, **changes: Any) -> dict[str, Any]:
    reason = {"code": "attribute_missing", "rule": None, "message": "m", "remedy": None}
    refused = {"kind": "REFUSAL", "status": 400, "decision": {**ALLOW, "allow": False, "reasons": [reason]}}
    return intent(number, **refused | changes)


def event(name: str = "start", **details: Any) -> dict[str, Any]:
    return {"kind": "EVENT", "event": name, "details": details}


def summary(count: int = 3) -> dict[str, Any]:
    span = {"from_unix_ns": START_NS, "to_unix_ns": START_NS + 1}
    return {"kind": "REFUSAL_SUMMARY", **span, "count": count, "reasons": {"body_malformed": count}}
