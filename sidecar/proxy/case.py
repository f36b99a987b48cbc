"""One exchange as it unfolds: what every step has found so far.

The one mutable value of the data path. It is made by the exchange, lives as long as the exchange does, and is
read by the audit trail and the meters at its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from sidecar.audit.records import Result
from sidecar.model.endpoint import EndpointKind

if TYPE_CHECKING:
    from sidecar.audit.context import Context
    from sidecar.fairness.window import WindowSnapshot
    from sidecar.model.attributes import Attributes
    from sidecar.model.clock import Clock
    from sidecar.model.consent import ConsentFact
    from sidecar.model.decision import Decision
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import ModelFacts
    from sidecar.model.message import Body, Request, Response
    from sidecar.model.prediction import Prediction
    from sidecar.model.question import Question
    from sidecar.model.reasons import Reason
    from sidecar.protocols.base import Call, ServingProtocol
    from sidecar.proxy.client import Client


class Inquiry(NamedTuple):
    """What steps 3 to 5 found in one request, and the question that the policy is asked about it."""

    protocol: ServingProtocol
    facts: ModelFacts
    consent: ConsentFact
    call: Call
    attributes: Attributes
    question: Question

    @property
    def holds_stream(self) -> bool:
        """ "With a response rule in force" no part of a stream leaves before all of it is judged."""
        return self.call.stream and self.facts.answers_judged


@dataclass(slots=True)
class Case:
    """See the module. A field is None until its step was reached."""

    request: Request
    context: Context
    clock: Clock
    mode: str
    started_s: float
    marked_s: float
    revision: str = ""
    client: Client | None = None
    endpoint: Endpoint | None = None
    protocol: ServingProtocol | None = None
    inquiry: Inquiry | None = None
    decision: Decision | None = None
    prediction: Prediction | None = None
    window: WindowSnapshot | None = None
    response_question: Question | None = None
    response_decision: Decision | None = None
    answer_body: Body | None = None
    explanation: object = None
    """What the explain call brought, in time."""
    explained: str | None = None
    """What came of fetching an explanation: one of `telemetry.metrics.EXPLAINED`. None where none was to be fetched."""
    armings: int = 0
    """Throttles that its decisions armed."""
    held_bytes: int = 0
    """Of the answers, in the budget."""
    begun: Response | None = None
    """The head that the client has of an answer that is passed on as it comes."""
    answer_digest: str | None = None
    """Of what was passed on so far."""
    passed_on: bool = False
    """The answer was passed on whole, and is on record."""
    result: Result = Result.REFUSED
    reasons: tuple[Reason, ...] = ()
    would_deny: list[Reason] = field(default_factory=list["Reason"])
    stage_us: dict[str, int] = field(default_factory=dict[str, int])

    def route(self, endpoint: Endpoint, protocol: ServingProtocol) -> None:
        """Notes where the request goes, for the steps to come and for the record."""
        if endpoint is self.endpoint:
            return
        self.endpoint = endpoint
        self.protocol = protocol
        self.context = self.context._replace(endpoint=endpoint)

    def mark(self, stage: str) -> None:
        """Books the time since the last mark under `stage`, in microseconds."""
        now_s = self.clock.monotonic_s()
        self.stage_us[stage] = self.stage_us.get(stage, 0) + int((now_s - self.marked_s) * 1e6)
        self.marked_s = now_s

    @property
    def is_probe(self) -> bool:
        """ "A probe gets a static permit: no engine, a metric, no audit record"."""
        return self.endpoint is not None and self.endpoint.kind is EndpointKind.PROBE

    @property
    def wants_stream(self) -> bool:
        """Whether the client asked for a streamed answer."""
        return self.inquiry is not None and self.inquiry.call.stream

    @property
    def passes_on(self) -> bool:
        """Whether the answer goes on as it comes; in shadow mode also one to a request that could not be read."""
        inquiry = self.inquiry
        if inquiry is None:
            return self.mode == "shadow" and self.endpoint is not None and self.endpoint.kind is EndpointKind.INFER
        return inquiry.call.stream and (self.mode == "shadow" or not inquiry.holds_stream)

    @property
    def question(self) -> Question | None:
        """The request phase's question; None where the exchange never came to one."""
        return self.inquiry.question if self.inquiry else None

    @property
    def model(self) -> str:
        """The model's name, or an empty string where the endpoint has none."""
        return (self.endpoint.model or "") if self.endpoint else ""

    @property
    def version(self) -> str | None:
        """The model's version where the path names one."""
        return self.endpoint.version if self.endpoint else None
