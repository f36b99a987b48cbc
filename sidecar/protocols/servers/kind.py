"""What a kind of model server is: its endpoints, the protocols that it speaks, the content codings that it decodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.model.endpoint import EndpointKind
from sidecar.model.refusal import refused
from sidecar.protocols.routes import RouteTable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sidecar.model.endpoint import Endpoint
    from sidecar.protocols.base import ServingProtocol
    from sidecar.protocols.routes import Route

INFER, PROBE = EndpointKind.INFER, EndpointKind.PROBE
METADATA, MANAGEMENT = EndpointKind.METADATA, EndpointKind.MANAGEMENT
GET, POST, ANY = ("GET",), ("POST",), ()


@dataclass(frozen=True, slots=True)
class Server:
    """One kind of model server. `codings`: by protocol, those of request bodies that it decodes itself.

    `default_model` is the model that an inference endpoint means whose path names none, unless the body does.
    """

    kind: str
    table: RouteTable
    protocols: Mapping[str, ServingProtocol]
    codings: Mapping[str, frozenset[bytes]]
    default_model: str | None = None

    def route(self, method: str, path: str, query: str) -> Endpoint:
        """What a request line asks for; refuses as `RouteTable.find` does."""
        endpoint = self.table.find(method, path, query)
        if endpoint.kind is not INFER or endpoint.model is not None:
            return endpoint
        if self.default_model is None and not self.protocol(endpoint).names_model:
            raise refused("endpoint_unknown", "the endpoint names no model; --default-model says which one it means")
        return endpoint._replace(model=self.default_model)

    def explain_path(self, endpoint: Endpoint) -> str | None:
        """Where the server explains what it infers at `endpoint`, which `route` gave; None where it does not."""
        return self.table.explain_path(endpoint)

    def protocol(self, endpoint: Endpoint) -> ServingProtocol:
        """The protocol of an endpoint that `route` gave."""
        return self.protocols[endpoint.protocol]


def kind_of(
    name: str,
    routes: Iterable[Route],
    protocols: Iterable[ServingProtocol],
    codings: Mapping[str, Iterable[bytes]] | None = None,
) -> Server:
    """A kind by the word that `--server` takes."""
    return Server(
        name,
        RouteTable(routes),
        {protocol.name: protocol for protocol in protocols},
        {name: frozenset(known) for name, known in (codings or {}).items()},
    )
