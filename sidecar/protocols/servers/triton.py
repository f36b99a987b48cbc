"""Triton Inference Server (2.5x and later)."""

from __future__ import annotations

from sidecar.protocols.coding import DEFLATE, GZIP
from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import ANY, GET, MANAGEMENT, METADATA, kind_of
from sidecar.protocols.servers.v2_routes import V2_MODEL, V2_MODEL_METADATA, V2_ROUTES
from sidecar.protocols.v2 import V2

_ROUTES = (
    *V2_ROUTES,
    # Before the model of that name, as in Triton itself.
    Route(METADATA, "v2", "server_statistics", GET, "/v2/models/stats"),
    V2_MODEL_METADATA,
    Route(METADATA, "v2", "model_configuration", GET, f"{V2_MODEL}/config"),
    Route(METADATA, "v2", "model_statistics", GET, f"{V2_MODEL}/stats"),
    Route(MANAGEMENT, "v2", "trace", ANY, f"{V2_MODEL}/trace/setting"),
    Route(MANAGEMENT, "v2", "trace", ANY, "/v2/trace/setting"),
    Route(MANAGEMENT, "v2", "logging", ANY, "/v2/logging"),
    Route(MANAGEMENT, "v2", "shared_memory", ANY, "/v2/systemsharedmemory/{rest}"),
    Route(MANAGEMENT, "v2", "shared_memory", ANY, "/v2/cudasharedmemory/{rest}"),
)

TRITON = kind_of("triton", _ROUTES, (V2(),), codings=(GZIP, DEFLATE))
