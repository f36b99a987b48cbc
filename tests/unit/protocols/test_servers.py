from __future__ import annotations

import pytest

from sidecar.model.endpoint import EndpointKind
from sidecar.model.refusal import Refused
from sidecar.protocols.servers import SERVERS, server

V2_EVERYWHERE = [
    ("POST", "/v2/models/m/infer", "v2 infer infer"),
    ("POST", "/v2/models/m/versions/1/infer", "v2 infer infer"),
    ("GET", "/v2/models/m/infer", "method_not_allowed"),
    ("GET", "/v2/health/live", "v2 probe live"),
    ("GET", "/v2/health/ready", "v2 probe ready"),
    ("GET", "/v2/models/m/ready", "v2 probe model_ready"),
    ("GET", "/v2/models/m/versions/1/ready", "v2 probe model_ready"),
    ("POST", "/v2/health/live", "method_not_allowed"),
    ("GET", "/v2", "v2 metadata server_metadata"),
    ("GET", "/v2/models/m", "v2 metadata model_metadata"),
    ("GET", "/v2/models/m/versions/1", "v2 metadata model_metadata"),
    ("POST", "/v2/repository/index", "v2 management repository"),
    ("POST", "/v2/repository/models/m/load", "v2 management repository"),
    ("GET", "/v2/repository/models/m/unload", "v2 management repository"),
    ("POST", "/v2/models/m/generate", "endpoint_unknown"),
    ("POST", "/v2/models/m/generate_stream", "endpoint_unknown"),
    ("POST", "/v2/models/m/infer_stream", "endpoint_unknown"),
    ("POST", "/v2/models/m/explain", "endpoint_unknown"),
    ("POST", "/v2/models/m/infer/", "endpoint_unknown"),
    ("POST", "/invocations", "endpoint_unknown"),
    ("GET", "/metrics", "endpoint_unknown"),
    ("POST", "/predictions/m", "endpoint_unknown"),
]
TRITON = [
    ("GET", "/v2/models/stats", "v2 metadata server_statistics"),
    ("GET", "/v2/models/m/config", "v2 metadata model_configuration"),
    ("GET", "/v2/models/m/stats", "v2 metadata model_statistics"),
    ("POST", "/v2/models/m/config", "method_not_allowed"),
    ("POST", "/v2/models/m/trace/setting", "v2 management trace"),
    ("GET", "/v2/trace/setting", "v2 management trace"),
    ("POST", "/v2/logging", "v2 management logging"),
    ("POST", "/v2/systemsharedmemory/region/r/register", "v2 management shared_memory"),
    ("GET", "/v2/cudasharedmemory/status", "v2 management shared_memory"),
    ("POST", "/v2/repository/r/models/m/load", "v2 management repository"),
    ("GET", "/ping", "endpoint_unknown"),
    ("POST", "/models/m/invoke", "endpoint_unknown"),
    ("POST", "/v1/models/m:predict", "endpoint_unknown"),
]
MLSERVER = [
    ("GET", "/v2/docs", "endpoint_unknown"),
    ("GET", "/v2/models/m/docs", "endpoint_unknown"),
    ("GET", "/v2/models/m/config", "endpoint_unknown"),
    ("POST", "/v1/models/m:predict", "endpoint_unknown"),
]
KSERVE = [
    ("POST", "/v1/models/m:predict", "v1 infer infer"),
    ("GET", "/v1/models/m:predict", "method_not_allowed"),
    ("POST", "/v1/models/m%3Apredict", "http_malformed"),
    ("POST", "/v1/models/m:explain", "endpoint_unknown"),
    ("GET", "/", "v1 probe live"),
    ("GET", "/v1/models/m", "v1 probe model_ready"),
    ("GET", "/v1/models", "v1 metadata model_list"),
    ("GET", "/v2/models", "v2 metadata model_list"),
    ("POST", "/openai/v1/completions", "endpoint_unknown"),
]
TORCHSERVE = [
    ("POST", "/predictions/m", "torchserve infer infer"),
    ("PUT", "/predictions/m/1.0", "torchserve infer infer"),
    *((method, "/predictions/m", "method_not_allowed") for method in ("GET", "DELETE", "TRACE", "OPTIONS")),
    ("GET", "/ping", "torchserve probe ready"),
    ("POST", "/ping", "method_not_allowed"),
    ("POST", "/models", "torchserve management models"),
    ("GET", "/models/m", "torchserve management models"),
    ("GET", "/models/predict", "torchserve management models"),
    ("PUT", "/models/m/2.0/set-default", "torchserve management models"),
    ("POST", "/token", "torchserve management token"),
    ("POST", "/workflows", "torchserve management workflows"),
    ("DELETE", "/workflows/w", "torchserve management workflows"),
    ("POST", "/predictions/m/", "endpoint_unknown"),
    ("POST", "/pred%69ctions/m", "http_malformed"),
    ("POST", "/explanations/m", "endpoint_unknown"),
    ("POST", "/v1/models/m:predict", "endpoint_unknown"),
    ("POST", "/v2/models/m/infer", "endpoint_unknown"),
    ("POST", "/m/predict", "endpoint_unknown"),
    ("POST", "/m/1.0/predict", "endpoint_unknown"),
    ("POST", "/invocations", "endpoint_unknown"),
    ("GET", "/models/m/invoke", "endpoint_unknown"),
    ("POST", "/wfpredict/w", "endpoint_unknown"),
    ("GET", "/api-description", "endpoint_unknown"),
    ("OPTIONS", "/", "endpoint_unknown"),
]


def meaning(kind: str, method: str, path: str) -> str:
    served = server(kind)
    try:
        endpoint = served.route(method, path, "")
    except Refused as refusal:
        return refusal.reasons[0].code
    assert served.protocol(endpoint).name == endpoint.protocol
    return f"{endpoint.protocol} {endpoint.kind.value} {endpoint.operation}"


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("triton", V2_EVERYWHERE + TRITON),
        ("mlserver", V2_EVERYWHERE + MLSERVER),
        ("kserve", V2_EVERYWHERE + KSERVE),
        ("torchserve", TORCHSERVE),
    ],
)
def test_tables(kind: str, rows: list[tuple[str, str, str]]) -> None:
    assert [(method, path, meaning(kind, method, path)) for method, path, _ in rows] == rows


def test_inference_is_never_a_read_only_method() -> None:
    rows = [row for served in SERVERS.values() for row in served.table.routes]
    infer = {method for row in rows if row.kind is EndpointKind.INFER for method in row.methods}
    passing = {row.methods for row in rows if row.kind in (EndpointKind.PROBE, EndpointKind.METADATA)}
    assert (infer, passing) == ({"POST", "PUT"}, {("GET",)})


@pytest.mark.parametrize("kind", ["tfserving", "openai", "seldon", ""])
def test_other_kinds_are_not_in_this_version(kind: str) -> None:
    with pytest.raises(ValueError, match="not in this version; there are triton, mlserver, kserve, torchserve"):
        server(kind)
