"""TorchServe (0.12)."""

from __future__ import annotations

from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import ANY, GET, INFER, MANAGEMENT, PROBE, kind_of
from sidecar.protocols.torchserve import TorchServe

_ROUTES = (
    # PUT is what `curl -T` sends. TorchServe itself infers on any method, GET and TRACE included.
    Route(INFER, "torchserve", "infer", ("POST", "PUT"), "/predictions/{model}[/{version}]"),
    Route(PROBE, "torchserve", "ready", GET, "/ping"),
    # Descriptions included: `GET /models/predict` is the legacy inference route of a model called `models`.
    Route(MANAGEMENT, "torchserve", "models", ANY, "/models[/{model}]"),
    Route(MANAGEMENT, "torchserve", "models", ANY, "/models/{model}[/{version}]/set-default"),
    Route(MANAGEMENT, "torchserve", "token", ANY, "/token"),
    Route(MANAGEMENT, "torchserve", "workflows", ANY, "/workflows[/{rest}]"),
)

TORCHSERVE = kind_of("torchserve", _ROUTES, (TorchServe(),))
