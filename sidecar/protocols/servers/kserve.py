"""KServe's Python server (0.20 and later): V2, V1 and the OpenAI style on one port."""

from __future__ import annotations

from sidecar.protocols.media import OCTETS, UNSAID
from sidecar.protocols.openai.protocol import OpenAI
from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import GET, INFER, METADATA, POST, PROBE, kind_of
from sidecar.protocols.servers.openai import OPENAI_INFERENCE
from sidecar.protocols.servers.v2_routes import V2_MODEL_METADATA, V2_ROUTES
from sidecar.protocols.v1 import V1
from sidecar.protocols.v2.binary import Framing
from sidecar.protocols.v2.protocol import V2

_ROUTES = (
    *V2_ROUTES,
    V2_MODEL_METADATA,
    Route(METADATA, "v2", "model_list", GET, "/v2/models"),
    Route(INFER, "v1", "infer", POST, "/v1/models/{model}:predict"),
    Route(INFER, "v1", "explain", POST, "/v1/models/{model}:explain"),
    Route(PROBE, "v1", "live", GET, "/"),
    # V1's readiness of one model: `{"name":…,"ready":true}`.
    Route(PROBE, "v1", "model_ready", GET, "/v1/models/{model}"),
    Route(METADATA, "v1", "model_list", GET, "/v1/models"),
    Route(METADATA, "v1", "metrics", GET, "/metrics"),
    Route(METADATA, "v1", "api_description", GET, "/openapi.json"),
    *(Route(INFER, "openai", operation, POST, f"/openai{path}") for operation, path in OPENAI_INFERENCE),
    Route(METADATA, "openai", "model_list", GET, "/openai/v1/models"),
    Route(METADATA, "openai", "model_metadata", GET, "/openai/v1/models/{model}"),
)

# KServe reads what says JSON as JSON, whatever its Inference-Header-Content-Length says.
_FRAMING = Framing(binary_types=(OCTETS, UNSAID))

KSERVE = kind_of("kserve", _ROUTES, (V2(_FRAMING), V1(), OpenAI()))
