"""Endpoints of the Open Inference Protocol that every server of it has."""

from __future__ import annotations

from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import ANY, GET, INFER, MANAGEMENT, METADATA, POST, PROBE

V2_MODEL = "/v2/models/{model}[/versions/{version}]"

V2_ROUTES = (
    Route(INFER, "v2", "infer", POST, f"{V2_MODEL}/infer"),
    Route(PROBE, "v2", "live", GET, "/v2/health/live"),
    Route(PROBE, "v2", "ready", GET, "/v2/health/ready"),
    Route(PROBE, "v2", "model_ready", GET, f"{V2_MODEL}/ready"),
    Route(METADATA, "v2", "server_metadata", GET, "/v2"),
    Route(MANAGEMENT, "v2", "repository", ANY, "/v2/repository/{rest}"),
)
V2_MODEL_METADATA = Route(METADATA, "v2", "model_metadata", GET, V2_MODEL)
"""Behind rows that name something else than a model in its place."""
