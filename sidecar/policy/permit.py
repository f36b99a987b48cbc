"""Permits: the only way to the model server. Made here alone; `proxy.upstream` takes one and nothing else.

A permit carries the very request that was judged, so that no other bytes can be forwarded under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from sidecar.model.decision import Decision
from sidecar.model.endpoint import EndpointKind

if TYPE_CHECKING:
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.message import Request

_SEAL = object()


@final
class Permit:
    """Leave to send `request` to the model server once.

    `decision` is why: what the policy said, or for a static permit an allow without policy.
    """

    __slots__ = ("_spent", "decision", "request")

    def __init__(self, seal: object, request: Request, decision: Decision) -> None:
        if seal is not _SEAL:
            raise TypeError("permits are made by sidecar.policy.permit only")
        self.request = request
        self.decision = decision
        self._spent = False

    def spend(self) -> Request:
        """The judged request, for forwarding; a second call is a defect of ours and raises RuntimeError."""
        if self._spent:
            raise RuntimeError("a permit is for one exchange")
        self._spent = True
        return self.request


def permit(request: Request, decision: Decision) -> Permit:
    """For a request that the policy allows."""
    if not decision.allow:
        raise ValueError("a refusal permits nothing")
    return Permit(_SEAL, request, decision)


def static_permit(request: Request, endpoint: Endpoint, revision: str) -> Permit:
    """Contract 1, step 2: probes pass whatever becomes of the engine, and metadata where it is opted in."""
    if endpoint.kind not in (EndpointKind.PROBE, EndpointKind.METADATA):
        raise ValueError(f"{endpoint.operation} is neither probe nor metadata")
    return Permit(_SEAL, request, Decision(allow=True, revision=revision))


def shadow_permit(request: Request, decision: Decision) -> Permit:
    """For `--mode shadow` alone: a would-deny is forwarded, counted and recorded."""
    return Permit(_SEAL, request, decision)
