"""TorchServe (0.12), also where inference and management share a port, as KServe's runtime has it.

It infers on any method, GET and TRACE included. `/{model}/predict` and `/{model}/{version}/predict` it finds before
most other endpoints: `GET /v1/models/predict` asks the model `v1`, and `/wfpredict/predict` no workflow.
"""

from __future__ import annotations

from sidecar.protocols.routes import Route
from sidecar.protocols.servers.kind import ANY, GET, INFER, MANAGEMENT, METADATA, PROBE, kind_of
from sidecar.protocols.torchserve import TorchServe, TorchServeV1, TorchServeV2

_SEND = ("POST", "PUT")
"""PUT is what `curl -T` sends."""

_RESERVED = (
    *("predictions", "explanations", "invocations", "models", "wfpredict", "workflows"),
    *("v1", "v2", "ping", "metrics", "token", "api-description"),
)
"""First segments of other endpoints, which are no model's name before `/predict`."""

_ROUTES = (
    Route(INFER, "torchserve", "infer", _SEND, "/predictions/{model}[/{version}]"),
    Route(INFER, "torchserve", "explain", _SEND, "/explanations/{model}[/{version}]"),
    Route(INFER, "torchserve", "infer", _SEND, "/invocations", query_model="model_name"),
    Route(INFER, "torchserve", "infer", _SEND, "/models/{model}/invoke"),
    Route(INFER, "v1", "infer", _SEND, "/v1/models/{model}:predict"),
    Route(INFER, "v1", "explain", _SEND, "/v1/models/{model}:explain"),
    Route(INFER, "v2", "infer", _SEND, "/v2/models/{model}/infer"),
    Route(INFER, "v2", "explain", _SEND, "/v2/models/{model}/explain"),
    *(Route(MANAGEMENT, "torchserve", "reserved", ANY, f"/{first}[/{{version}}]/predict") for first in _RESERVED),
    Route(INFER, "torchserve", "workflow", _SEND, "/wfpredict/{model}"),
    Route(INFER, "torchserve", "infer", _SEND, "/{model}[/{version}]/predict"),
    Route(PROBE, "torchserve", "ready", GET, "/ping"),
    # `{"name":…,"ready":true}`, and with ts_open_inference_protocol=oip V2's.
    Route(PROBE, "v1", "model_ready", GET, "/v1/models/{model}"),
    Route(PROBE, "v2", "live", GET, "/v2/health/live"),
    Route(PROBE, "v2", "ready", GET, "/v2/health/ready"),
    Route(METADATA, "v2", "server_metadata", GET, "/v2"),
    Route(METADATA, "torchserve", "api_description", GET, "/api-description"),
    # Descriptions included: with `customized=true` they call the model's handler.
    Route(MANAGEMENT, "torchserve", "models", ANY, "/models[/{model}[/{version}]]"),
    Route(MANAGEMENT, "torchserve", "models", ANY, "/models/{model}[/{version}]/set-default"),
    Route(MANAGEMENT, "torchserve", "token", ANY, "/token"),
    Route(MANAGEMENT, "torchserve", "workflows", ANY, "/workflows[/{rest}]"),
)

TORCHSERVE = kind_of("torchserve", _ROUTES, (TorchServe(), TorchServeV1(), TorchServeV2()))
