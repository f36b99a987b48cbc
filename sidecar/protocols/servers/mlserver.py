"""MLServer (1.7). It passes over Inference-Header-Content-Length: no binary tensors over HTTP."""

from __future__ import annotations

from sidecar.protocols.coding import GZIP
from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import GET, INFER, METADATA, POST, kind_of
from sidecar.protocols.servers.v2_routes import V2_MODEL, V2_MODEL_METADATA, V2_ROUTES
from sidecar.protocols.v2.protocol import V2

_ROUTES = (
    *V2_ROUTES,
    V2_MODEL_METADATA,
    # All of them take V2's body: `generate` is `infer` by another name, and `generate_stream` is `infer_stream`.
    Route(INFER, "v2", "generate", POST, f"{V2_MODEL}/generate"),
    Route(INFER, "v2", "generate_stream", POST, f"{V2_MODEL}/generate_stream"),
    Route(INFER, "v2", "infer_stream", POST, f"{V2_MODEL}/infer_stream"),
    Route(METADATA, "v2", "server_docs", GET, "/v2/docs[/dataplane.json]"),
    Route(METADATA, "v2", "model_docs", GET, f"{V2_MODEL}/docs[/dataplane.json]"),
)

MLSERVER = kind_of("mlserver", _ROUTES, (V2(),), codings={"v2": (GZIP,)})
