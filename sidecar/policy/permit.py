"""Permits: the only way to the model server. Made here alone; `proxy.upstream` takes one and nothing else.

A permit carries the very request that was judged, so that no other bytes can be forwarded under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from sidecar.model.decision import Decision
from sidecar.model.endpoint import EndpointKind

if TYPE_CHECKING:
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.explain import ExplainCall
    from sidecar.model.message import Request

_SEAL = object()


@final
class Permit:
    """Leave to send `request` to the model server once, and once more for its explanation where `explain` is named.

    `decision` is why: what the policy said, or for a static permit an allow without policy.
    """

    __slots__ = ("_explained", "_spent", "decision", "explain", "request")

    def __init__(self, seal: object, request: Request, decision: Decision, explain: ExplainCall | None = None) -> None:
        if seal is not _SEAL:
            raise TypeError("permits are made by sidecar.policy.permit only")
        self.request = request
        self.decision = decision
        self.explain = explain
        self._spent = False
        self._explained = explain is None

    def spend(self) -> Request:
        """The judged request, for forwarding; a second call is a defect of ours and raises RuntimeError."""
        if self._spent:
            raise RuntimeError("a permit is for one exchange")
        self._spent = True
        return self.request

    def spend_explain(self) -> tuple[Request, ExplainCall]:
        """The judged request as it asks for an explanation; raises RuntimeError twice, or where none is named."""
        if self.explain is None or self._explained:
            raise RuntimeError("a permit is for one explain call, if any")
        self._explained = True
        return self.request._replace(method=self.explain.method, path=self.explain.path, query=""), self.explain


def permit(request: Request, decision: Decision, explain: ExplainCall | None = None) -> Permit:
    """For a request that the policy allows, and for the explain call that the INTENT will name."""
    if not decision.allow:
        raise ValueError("a refusal permits nothing")
    return Permit(_SEAL, request, decision, explain)


def static_permit(request: Request, endpoint: Endpoint, revision: str) -> Permit:
    """Contract 1, step 2: probes pass whatever becomes of the engine, and metadata where it is opted in."""
    if endpoint.kind not in (EndpointKind.PROBE, EndpointKind.METADATA):
        raise ValueError(f"{endpoint.operation} is neither probe nor metadata")
    return Permit(_SEAL, request, Decision(allow=True, revision=revision))


def shadow_permit(request: Request, decision: Decision, explain: ExplainCall | None = None) -> Permit:
    """For `--mode shadow` alone: a would-deny is forwarded, counted and recorded."""
    return Permit(_SEAL, request, decision, explain)
