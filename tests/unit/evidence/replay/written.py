"""Audit trails for tests of replays: real decisions of the shipped rules, in the real records' form."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit import records
from sidecar.audit.context import Context
from sidecar.audit.policies import KeptPolicies
from sidecar.audit.port import Record
from sidecar.audit.records import Origin, Result
from sidecar.audit.salts import Salts
from sidecar.model.decision import Decision
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.message import Request
from sidecar.model.question import Question, ask
from sidecar.model.refusal import Refused
from sidecar.policy.bundle import build
from sidecar.policy.embedded import EmbeddedMaker
from sidecar.policy.verdict import verdict
from tests.policies import DATA, REGO, UNIX_S, shape
from tests.support import FixedClock
from tests.unit.evidence.ledgers import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.policy.bundle import Bundle
    from sidecar.policy.embedded import EmbeddedEngine

LOG = "ab" * 16
ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "credit", "3")
REQUEST = Request("POST", "/v2/models/credit/versions/3/infer", (), b"{}", query="", source_address="10.1.2.3")
INSUFFICIENT = {"state": "insufficient_data", "span_s": 0, "groups": {}, "disparate_impact": None}


def data(**changes: Any) -> dict[str, Any]:
    """The data of `tests.policies`; `changes` replace members of the model `credit`."""
    models: Any = DATA["models"]
    return DATA | {"models": {"credit": models["credit"] | changes}}


def bundle(folder: Path, document: object) -> Bundle:
    """The shipped rules with a data document."""
    path = folder / "data.json"
    path.write_bytes(orjson.dumps(document))
    return build(REGO, path)


def response_shape(asked: dict[str, Any], **prediction: Any) -> dict[str, Any]:
    answered = {"status": 200, "scores": [0.51], "labels": ["approve"], "features": None, "explanation": None}
    return {**asked, "phase": "response", "prediction": {**answered, **prediction}, "window": INSUFFICIENT}


@dataclass
class Book:
    """Writes a trail into memory; salts and kept policies lie in `audit_dir`."""

    audit_dir: Path
    clock: FixedClock = field(default_factory=FixedClock)
    lines: list[bytes] = field(default_factory=list[bytes])

    def __post_init__(self) -> None:
        self.salts = Salts(self.audit_dir, self.clock)
        self.kept = KeptPolicies(self.audit_dir, self.clock)
        self.engine: EmbeddedEngine | None = None

    def activate(self, policy: Bundle, *, keep: bool = True) -> None:
        """From now on this policy decides."""
        self.engine = asyncio.run(EmbeddedMaker(timeout_s=30, clock=FixedClock()).make(policy))
        self.revision = policy.revision
        if keep:
            self.kept.keep(policy.revision, policy.archive())

    def add(self, record: Record) -> None:
        head = f'{{"v":1,"log":"{LOG}","kind":"{record.kind}","sequence":{len(self.lines)},'
        self.lines.append(f'{head}"time_unix_ns":{self.clock.unix_ns()},'.encode() + record.body[1:])

    def exchange(self, *, prediction: dict[str, Any] | None = None, **changes: Any) -> str:
        """A whole exchange, as the data path would have it; its decision id. `changes` as in `tests.policies.shape`."""
        context = self.context()
        asked = shape(**changes)
        question = ask(asked, self.clock.unix_s())
        decision = self.decide(question)
        if not decision.allow:
            self.refusal(context, decision, question)
            return context.decision_id
        self.intent(context, decision, question)
        answered = ask(response_shape(asked, **(prediction or {})), self.clock.unix_s() + 0.25)
        self.outcome(context, self.decide(answered), answered)
        return context.decision_id

    def context(self) -> Context:
        number = len(self.lines) + 1
        return Context(f"{number:032x}", f"r-{number}", f"{number:032x}", None, True, self.clock.unix_ns(), ENDPOINT)

    def intent(self, context: Context, decision: Decision, question: Question | None) -> None:
        salt, origin = self.salts.current(), Origin("embedded", "enforce")
        self.add(records.intent(context, question, decision, REQUEST, salt=salt, origin=origin))

    def refusal(self, context: Context, decision: Decision, question: Question | None) -> None:
        salt, origin = self.salts.current(), Origin("embedded", "enforce")
        self.add(records.refusal(context, question, decision, 403, REQUEST, salt=salt, origin=origin))

    def outcome(self, context: Context, decision: Decision | None, question: Question | None) -> None:
        result = Result.RELEASED if decision is None or decision.allow else Result.REFUSED
        salt = self.salts.current()
        self.add(records.outcome(context, result, 200, salt=salt, question=question, decision=decision))

    def decide(self, question: Question) -> Decision:
        assert self.engine is not None
        try:
            return verdict(asyncio.run(self.engine.decide(question.json)))
        except Refused as refusal:
            return Decision(False, self.revision, refusal.reasons)

    def decoded(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self.lines]


@dataclass
class Kept(Book):
    """A trail that is in a log, too."""

    records: list[Record] = field(default_factory=list[Record])

    def add(self, record: Record) -> None:
        super().add(record)
        self.records.append(record)

    def close(self) -> Path:
        """The ledger's folder."""
        writer = Writer(self.audit_dir, segment_bytes=1 << 20)
        writer.write(*self.records)
        writer.close()
        return writer.ledger_dir


def with_version(name: str) -> dict[str, Any]:
    """A change of `attributes`: the call names this data version."""
    attributes: Any = shape()["attributes"]
    return attributes | {"data_version": {"value": name, "status": "present", "source": "header:X-Data-Version"}}


def aged(days: float) -> dict[str, Any]:
    """A dataset made so many days before the tests' time."""
    return {"created_unix_s": UNIX_S - days * 86_400, "consent_scopes": ["credit_scoring"], "parents": []}
