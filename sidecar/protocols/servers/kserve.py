"""KServe's Python server (0.20 and later): V2 and V1 on one port."""

from __future__ import annotations

from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import GET, INFER, METADATA, POST, PROBE, kind_of
from sidecar.protocols.servers.v2_routes import V2_MODEL_METADATA, V2_ROUTES
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2 import V2

_ROUTES = (
    *V2_ROUTES,
    V2_MODEL_METADATA,
    Route(METADATA, "v2", "model_list", GET, "/v2/models"),
    Route(INFER, "v1", "infer", POST, "/v1/models/{model}:predict"),
    Route(PROBE, "v1", "live", GET, "/"),
    # V1's readiness of one model: `{"name":…,"ready":true}`.
    Route(PROBE, "v1", "model_ready", GET, "/v1/models/{model}"),
    Route(METADATA, "v1", "model_list", GET, "/v1/models"),
)

KSERVE = kind_of("kserve", _ROUTES, (V2(), V1()))
