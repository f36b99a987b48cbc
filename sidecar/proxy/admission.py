"""What an exchange needs before it may have an effect: contract 1, steps 2 to 7."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.model.endpoint import EndpointKind
from sidecar.model.refusal import Refused, refused
from sidecar.policy.permit import static_permit
from sidecar.protocols.attributes import forbidden_headers

if TYPE_CHECKING:
    from sidecar.fairness.throttle import Throttle
    from sidecar.model.endpoint import Endpoint
    from sidecar.policy.permit import Permit
    from sidecar.protocols.servers import Server
    from sidecar.proxy.case import Case
    from sidecar.proxy.judge import Judge


@dataclass(frozen=True, slots=True)
class Admission:
    """The way to a permit for one model server's requests."""

    server: Server
    judge: Judge
    throttle: Throttle
    metadata_allowed: bool

    async def admit(self, case: Case) -> Permit:
        """A permit for the case's request, or Refused."""
        endpoint = self._route(case)
        if endpoint.kind is not EndpointKind.INFER:
            return static_permit(case.request, endpoint, case.revision)
        permit = await self.judge.request(case, endpoint, self.server.protocol(endpoint))
        if case.mode == "enforce":
            self.throttle.admit(case.model, case.version)
        return permit

    def _route(self, case: Case) -> Endpoint:
        request = case.request
        endpoint = self.server.route(request.method, request.path, request.query)
        case.route(endpoint, self.server.protocol(endpoint))
        forbidden = forbidden_headers(request)
        if forbidden:
            raise Refused(*forbidden)
        if endpoint.kind is EndpointKind.MANAGEMENT:
            raise refused("management_forbidden", f"{endpoint.operation} is a management operation")
        if endpoint.kind is EndpointKind.METADATA and not self.metadata_allowed:
            raise refused("management_forbidden", "metadata endpoints pass only with --metadata allow")
        return endpoint
