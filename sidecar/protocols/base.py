"""What a serving protocol does for the exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Facts, ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction

GOVERNED_NAMES = ("data_version", "consent_scope")
"""Contract 2: the attributes that a body may say as well as a header."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one request may hold; `decoded_bytes` on a body once its content coding is undone."""

    max_instances: int = 1_024
    decoded_bytes: int = 8 * 1024 * 1024


_NO_PARAMETERS: Mapping[str, tuple[object, str]] = {}
_NO_FEATURES: Mapping[str, Sequence[object]] = {}


class Call(NamedTuple):
    """One inference request, read once. `endpoint` names the model, also where only the body did.

    `body` is what the protocol made of the body, or None where it is opaque; it is let go of when the request has
    been read: `features`, one entry for each `input:` among the model's declared features, and `id`, the caller's
    name for the call, are what the answer's reading still needs. `stream`: a streamed answer is asked for.

    `parameters` holds the second source of governed attributes as found in the body: name (of
    `GOVERNED_NAMES`) to raw JSON value and the source's name for the record (`parameter:data_version` in V2's
    `parameters`, `body:data_version` as a top-level key). A value that is no string is malformed.
    """

    endpoint: Endpoint
    instances: int
    parameters: Mapping[str, tuple[object, str]] = _NO_PARAMETERS
    body: object = None
    stream: bool = False
    id: str | None = None
    features: Mapping[str, Sequence[object]] = _NO_FEATURES

    def without_body(self, features: Mapping[str, Sequence[object]]) -> Self:
        """The call with what its body says of features, and without the body."""
        # Every call comes by here, and `_replace` takes twice as long.
        return type(self)(self.endpoint, self.instances, self.parameters, None, self.stream, self.id, features)


def second_sources(members: Mapping[str, object], prefix: str) -> dict[str, tuple[object, str]]:
    """`Call.parameters` from the object that may hold governed attributes; `prefix` names the place."""
    return {name: (members[name], f"{prefix}:{name}") for name in GOVERNED_NAMES if name in members}


class ServingProtocol(Protocol):
    """One protocol. Every method is pure; each raises `Refused` with the contract's reason."""

    @property
    def name(self) -> str:
        """As the policy input's `endpoint.protocol` says it: `v2`, `torchserve`."""
        ...

    @property
    def names_model(self) -> bool:
        """Whether the body names the model, where the path does not."""
        ...

    def read_request(self, endpoint: Endpoint, request: Request, facts: Facts, limits: Limits) -> Call:
        """Reads and checks the body, whose content coding is undone, and counts instances.

        All models' facts, since in some protocols only the body names the model.

        Refuses with `media_type_unsupported`, `body_malformed`, `header_forbidden`, `instances_too_many`,
        `shared_memory_forbidden`.
        """
        ...

    def input_column(self, call: Call, facts: ModelFacts, reader: Reader) -> Sequence[object] | None:
        """The values at `input:NAME[col]`, one an instance.

        None where the request has no such input; empty where it has, but not with one such value an instance.
        """
        ...

    def read_prediction(self, call: Call, response: Response, facts: ModelFacts) -> Prediction:
        """Scores, labels, features and explanation by `facts.read`; refuses with `prediction_unreadable`.

        An answer outside 2xx is not read. Where nothing is declared to be read, nothing is parsed.
        """
        ...

    def refusal_members(self, message: str) -> dict[str, object]:
        """What this protocol's clients expect in an error body beside problem+json's own members."""
        ...

    def render_fallback(self, call: Call, outputs: Sequence[object]) -> Response | None:
        """A rule-based decision, one entry an instance, in the protocol's response shape.

        None where the entries cannot be said in it.
        """
        ...
