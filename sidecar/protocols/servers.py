"""Which endpoints each kind of model server has, and what they mean (contract 1, step 2).

Every server infers under aliases, and manages itself under routes, that its documentation does not list: what
is not in its table is refused. Aliases of inference are left out until their bodies are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.model.endpoint import EndpointKind
from sidecar.protocols.routes import Route, RouteTable
from sidecar.protocols.torchserve import TorchServe
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2 import V2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.model.endpoint import Endpoint
    from sidecar.protocols.base import ServingProtocol

_INFER, _PROBE = EndpointKind.INFER, EndpointKind.PROBE
_METADATA, _MANAGEMENT = EndpointKind.METADATA, EndpointKind.MANAGEMENT
_GET, _POST, _ANY = ("GET",), ("POST",), ()

_V2_MODEL = "/v2/models/{model}[/versions/{version}]"

_V2 = (
    Route(_INFER, "v2", "infer", _POST, f"{_V2_MODEL}/infer"),
    Route(_PROBE, "v2", "live", _GET, "/v2/health/live"),
    Route(_PROBE, "v2", "ready", _GET, "/v2/health/ready"),
    Route(_PROBE, "v2", "model_ready", _GET, f"{_V2_MODEL}/ready"),
    Route(_METADATA, "v2", "server_metadata", _GET, "/v2"),
    Route(_MANAGEMENT, "v2", "repository", _ANY, "/v2/repository/{rest}"),
)
_V2_MODEL_METADATA = Route(_METADATA, "v2", "model_metadata", _GET, _V2_MODEL)

_TRITON = (
    *_V2,
    # Before the model of that name, as in Triton itself.
    Route(_METADATA, "v2", "server_statistics", _GET, "/v2/models/stats"),
    _V2_MODEL_METADATA,
    Route(_METADATA, "v2", "model_configuration", _GET, f"{_V2_MODEL}/config"),
    Route(_METADATA, "v2", "model_statistics", _GET, f"{_V2_MODEL}/stats"),
    Route(_MANAGEMENT, "v2", "trace", _ANY, f"{_V2_MODEL}/trace/setting"),
    Route(_MANAGEMENT, "v2", "trace", _ANY, "/v2/trace/setting"),
    Route(_MANAGEMENT, "v2", "logging", _ANY, "/v2/logging"),
    Route(_MANAGEMENT, "v2", "shared_memory", _ANY, "/v2/systemsharedmemory/{rest}"),
    Route(_MANAGEMENT, "v2", "shared_memory", _ANY, "/v2/cudasharedmemory/{rest}"),
)

_MLSERVER = (*_V2, _V2_MODEL_METADATA)

_KSERVE = (
    *_V2,
    _V2_MODEL_METADATA,
    Route(_METADATA, "v2", "model_list", _GET, "/v2/models"),
    Route(_INFER, "v1", "infer", _POST, "/v1/models/{model}:predict"),
    Route(_PROBE, "v1", "live", _GET, "/"),
    # V1's readiness of one model: `{"name":…,"ready":true}`.
    Route(_PROBE, "v1", "model_ready", _GET, "/v1/models/{model}"),
    Route(_METADATA, "v1", "model_list", _GET, "/v1/models"),
)

_TORCHSERVE = (
    # PUT is what `curl -T` sends. TorchServe itself infers on any method, GET and TRACE included.
    Route(_INFER, "torchserve", "infer", ("POST", "PUT"), "/predictions/{model}[/{version}]"),
    Route(_PROBE, "torchserve", "ready", _GET, "/ping"),
    # Descriptions included: `GET /models/predict` is the legacy inference route of a model called `models`.
    Route(_MANAGEMENT, "torchserve", "models", _ANY, "/models[/{model}]"),
    Route(_MANAGEMENT, "torchserve", "models", _ANY, "/models/{model}[/{version}]/set-default"),
    Route(_MANAGEMENT, "torchserve", "token", _ANY, "/token"),
    Route(_MANAGEMENT, "torchserve", "workflows", _ANY, "/workflows[/{rest}]"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """One kind of model server: its route table and the protocols that it speaks, by name."""

    kind: str
    table: RouteTable
    protocols: Mapping[str, ServingProtocol]

    def route(self, method: str, path: str, query: str) -> Endpoint:
        """What a request line asks for; refuses as `RouteTable.find` does."""
        return self.table.find(method, path, query)

    def protocol(self, endpoint: Endpoint) -> ServingProtocol:
        """The protocol of an endpoint that `route` gave."""
        return self.protocols[endpoint.protocol]


def _server(kind: str, routes: tuple[Route, ...], *protocols: ServingProtocol) -> Server:
    return Server(kind, RouteTable(routes), {protocol.name: protocol for protocol in protocols})


SERVERS: Mapping[str, Server] = {
    server.kind: server
    for server in (
        _server("triton", _TRITON, V2()),
        _server("mlserver", _MLSERVER, V2()),
        _server("kserve", _KSERVE, V2(), V1()),
        _server("torchserve", _TORCHSERVE, TorchServe()),
    )
}
"""The kinds that this version serves, by the word that `--server` takes."""


def server(kind: str) -> Server:
    """The server of a kind; raises ValueError that names the kinds there are."""
    known = SERVERS.get(kind)
    if known is None:
        raise ValueError(f"server kind {kind!r} is not in this version; there are {', '.join(SERVERS)}")
    return known
