"""An exchange with real rooms around it: real policy in the embedded engine, real protocols, a real audit log.

Only the ends are scripted: the model server (it records what reaches it) and the consent fact.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sidecar.audit.lookup import export
from sidecar.audit.opening import open_log
from sidecar.audit.salts import Salts
from sidecar.audit.trail import Trail
from sidecar.fairness.windows import MemoryWindow
from sidecar.model.budget import Budget
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.message import Request, Response
from sidecar.policy.make import embedded_policy
from sidecar.protocols.base import Limits
from sidecar.protocols.servers import server
from sidecar.proxy.admission import Admission
from sidecar.proxy.exchange import Exchange
from sidecar.proxy.judge import Judge
from sidecar.proxy.reading import MessageReader, new_threads
from sidecar.proxy.recording import Recording
from sidecar.proxy.upstream import Answering
from tests.support import FixedClock, audit_terms, policy_data

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from sidecar.audit.log import DurableLog
    from sidecar.fairness.window import Observation
    from sidecar.model.clock import Clock
    from sidecar.model.decision import Decision
    from sidecar.model.facts import Facts, ModelFacts
    from sidecar.model.question import Question
    from sidecar.policy.permit import Permit
    from sidecar.policy.policy import Policy
    from sidecar.proxy.case import Case
    from sidecar.proxy.upstream import Mark

REGO = Path(__file__).resolve().parents[1] / "rego"
NOW_S = 1_795_300_000.0

DATA = policy_data(NOW_S)

VALID = ConsentFact(
    ConsentStatus.VALID,
    issuer="https://issuer.example",
    subject="5" * 64,
    token_id="7" * 64,
    scopes=("credit_scoring",),
    expires_unix_s=NOW_S + 3_600,
)


def infer(
    *, body: bytes | None = None, path: str = "/v2/models/credit/infer", method: str = "POST", **headers: str
) -> Request:
    """A good V2 call; keyword `x_data_version="stale"` sets a header, an empty value removes it."""
    fields = {
        "content-type": "application/json",
        "x-data-version": "fresh",
        "x-consent-scope": "credit_scoring",
        "x-protected-group": "a",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(
        method=method,
        path=path,
        headers=tuple((name.encode(), value.encode()) for name, value in fields.items() if value),
        body=v2_body() if body is None else body,
        source_address="10.1.2.3",
    )


def v2_body(**parameters: object) -> bytes:
    """One instance."""
    inputs = [{"name": "income", "shape": [1], "datatype": "FP64", "data": [50.0]}]
    return json.dumps({"inputs": inputs, "parameters": parameters} if parameters else {"inputs": inputs}).encode()


def v2_answer(score: float = 0.5, status: int = 200) -> Response:
    """A V2 prediction of one instance."""
    outputs = [
        {"name": "score", "shape": [1], "datatype": "FP64", "data": [score]},
        {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["approve"]},
    ]
    body = json.dumps({"model_name": "credit", "outputs": outputs}).encode()
    return Response(status, ((b"content-type", b"application/json"),), body)


@dataclass
class ScriptedUpstream:
    """Answers what it is told to, and keeps every request that a permit brought."""

    answer: Response | BaseException = field(default_factory=v2_answer)
    received: list[Request] = field(default_factory=list[Request])
    marks: list[Mark] = field(default_factory=list["Mark"])
    budget: Budget = field(default_factory=lambda: Budget(64 << 20))
    whole_streams: list[bool] = field(default_factory=list[bool])
    explanation: Response | BaseException | Callable[[], Awaitable[Response]] = field(
        default_factory=lambda: Response(200, (), b'{"explanations":[{"income":0.4}]}')
    )
    explained: list[Request] = field(default_factory=list[Request])
    """What asked for an explanation."""
    parts: Sequence[bytes | BaseException] = ()
    """Of a streamed answer, whose head is `answer`'s."""

    async def send(self, permit: Permit, mark: Mark, *, whole_stream: bool = False) -> Response:
        self.received.append(permit.spend())
        self.marks.append(mark)
        self.whole_streams.append(whole_stream)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    async def explain(self, permit: Permit, mark: Mark) -> Response:
        request, _ = permit.spend_explain()
        self.explained.append(request)
        self.marks.append(mark)
        if isinstance(self.explanation, BaseException):
            raise self.explanation
        return await self.explanation() if callable(self.explanation) else self.explanation

    @contextlib.asynccontextmanager
    async def stream(self, permit: Permit, mark: Mark) -> AsyncGenerator[Answering]:
        answer = await self.send(permit, mark)
        parts = iter(self.parts)

        async def part() -> bytes:
            found = next(parts, b"")
            if isinstance(found, BaseException):
                raise found
            return found

        yield Answering(Response(answer.status, answer.headers), part, 8 << 20, self.budget)


@dataclass
class ScriptedConsent:
    """Says the same of every token."""

    fact: ConsentFact = VALID

    async def verify(self, tokens: Sequence[bytes]) -> ConsentFact:
        return self.fact


class RecordingWindow(MemoryWindow):
    """A window that also keeps what it was told for the test."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.seen: list[Observation] = []

    def observe(self, facts: ModelFacts, seen: Observation) -> None:
        self.seen.append(seen)
        super().observe(facts, seen)


@dataclass
class RecordingObserver:
    """What the meters would be told."""

    finished_cases: list[tuple[Case, int | None]] = field(default_factory=list["tuple[Case, int | None]"])

    def finished(self, case: Case, status: int | None) -> None:
        self.finished_cases.append((case, status))


class BrokenPolicy:
    """A policy whose engine fails in one way, in the phases named."""

    def __init__(self, real: Policy, failure: BaseException, phases: Sequence[str]) -> None:
        self._real = real
        self._failure = failure
        self._phases = phases

    @property
    def revision(self) -> str:
        return self._real.revision

    def snapshot(self) -> Facts:
        return self._real.snapshot()

    async def refresh(self) -> None:
        await self._real.refresh()

    async def decide(self, question: Question, *, cacheable: bool) -> Decision:
        if question.shape["phase"] in self._phases:
            raise self._failure
        return await self._real.decide(question, cacheable=cacheable)


@dataclass
class Lab:
    """One exchange and its ends."""

    exchange: Exchange
    upstream: ScriptedUpstream
    consent: ScriptedConsent
    window: RecordingWindow
    observer: RecordingObserver
    clock: FixedClock
    policy: Policy
    trail: Trail
    log: DurableLog
    audit_dir: Path

    async def call(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Status and JSON body of one exchange."""
        response = await self.exchange.handle(request)
        assert response is not None
        return response.status, json.loads(response.body)

    def records(self) -> list[dict[str, Any]]:
        """Everything on record, in order."""
        return [json.loads(record) for record in export(self.audit_dir)]

    def kinds(self) -> list[str]:
        """`INTENT`, `OUTCOME released` and so on, in order."""
        return [" ".join(filter(None, (r["kind"], r.get("result")))) for r in self.records()]


@contextlib.asynccontextmanager
async def lab(
    folder: Path,
    *,
    data: dict[str, Any] = DATA,
    mode: str = "enforce",
    server_kind: str = "mlserver",
    metadata: bool = False,
) -> AsyncGenerator[Lab]:
    """An exchange over the shipped rules and `data`."""
    clock = FixedClock(NOW_S)
    data_file = folder / "data.json"
    data_file.write_text(json.dumps(data))
    policy = embedded_policy(REGO, data_file, mode=mode, timeout_s=5.0, clock=clock)
    await policy.start()
    audit_dir = folder / "audit"
    log = open_log(audit_dir / "0", audit_terms(audit_dir), clock)
    log.start()
    trail = Trail(log, Salts(audit_dir, clock), clock, engine="embedded", mode=mode)
    upstream, consent, window, observer = (
        ScriptedUpstream(),
        ScriptedConsent(),
        RecordingWindow(clock),
        RecordingObserver(),
    )
    kind, threads = server(server_kind), new_threads()
    judge = Judge(
        policy=policy,
        consent=consent,
        window=window,
        reader=MessageReader(Limits(max_instances=256), kind.codings, threads),
        listed_headers=frozenset(),
        skew_timeout_s=0.25,
        explain_path=kind.explain_path,
    )
    exchange = Exchange(
        admission=Admission(kind, judge, window, metadata_allowed=metadata),
        judge=judge,
        upstream=upstream,
        recording=Recording(trail, window, window, mode),
        observer=observer,
        clock=clock,
        budget=Budget(1 << 30),
        mode=mode,
    )
    try:
        yield Lab(exchange, upstream, consent, window, observer, clock, policy, trail, log, audit_dir)
    finally:
        threads.shutdown()
        await policy.aclose()
        await log.aclose()
