"""What a serving protocol does for the exchange."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import ModelFacts, Reader
    from sidecar.model.message import Request, Response
    from sidecar.model.prediction import Prediction

GOVERNED_NAMES = ("data_version", "consent_scope")
"""Contract 2: the attributes that a body may say as well as a header."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one request may hold."""

    max_instances: int = 1_024


@dataclass(frozen=True, slots=True)
class Call:
    """One inference request, read once: `body` is the decoded JSON, or None where the body is opaque.

    `parameters` holds the second source of governed attributes as found in the body: name (of
    `GOVERNED_NAMES`) to raw JSON value and the source's name for the record (`parameter:data_version` in V2's
    `parameters`, `body:data_version` as a top-level key). A value that is no string is malformed.
    """

    endpoint: Endpoint
    instances: int
    parameters: Mapping[str, tuple[object, str]] = field(default_factory=dict[str, "tuple[object, str]"])
    body: object = None


def second_sources(members: Mapping[str, object], prefix: str) -> dict[str, tuple[object, str]]:
    """`Call.parameters` from the object that may hold governed attributes; `prefix` names the place."""
    return {name: (members[name], f"{prefix}:{name}") for name in GOVERNED_NAMES if name in members}


class ServingProtocol(Protocol):
    """One protocol. Every method is pure; each raises `Refused` with the contract's reason."""

    @property
    def name(self) -> str:
        """`v2`, `v1`, `torchserve`: as the policy input's `endpoint.protocol` says it."""
        ...

    def read_request(self, endpoint: Endpoint, request: Request, facts: ModelFacts, limits: Limits) -> Call:
        """Decodes and checks the body, counts instances.

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
