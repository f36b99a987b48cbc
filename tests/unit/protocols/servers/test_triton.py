from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.refusal import Refused
from sidecar.protocols.servers import server
from tests.unit.protocols.servers.tables import V2_EVERYWHERE, meanings, taken

ROWS = [
    ("POST", "/v2/models/m/generate", "generate infer generate"),
    ("POST", "/v2/models/m/versions/1/generate", "generate infer generate"),
    ("POST", "/v2/models/m/generate_stream", "generate infer generate_stream"),
    ("POST", "/v2/models/m/versions/1/generate_stream", "generate infer generate_stream"),
    ("GET", "/v2/models/m/generate", "method_not_allowed"),
    ("POST", "/v2/models/m/infer_stream", "endpoint_unknown"),
    ("GET", "/v2/models/stats", "v2 metadata server_statistics"),
    ("GET", "/v2/models/m/config", "v2 metadata model_configuration"),
    ("GET", "/v2/models/m/stats", "v2 metadata model_statistics"),
    ("GET", "/v2/models/m/versions/1/stats", "v2 metadata model_statistics"),
    ("POST", "/v2/models/m/config", "method_not_allowed"),
    ("POST", "/v2/models/m/trace/setting", "v2 management trace"),
    ("GET", "/v2/trace/setting", "v2 management trace"),
    ("POST", "/v2/trace/setting", "v2 management trace"),
    ("GET", "/v2/logging", "v2 management logging"),
    ("POST", "/v2/logging", "v2 management logging"),
    ("POST", "/v2/systemsharedmemory/region/r/register", "v2 management shared_memory"),
    ("POST", "/v2/systemsharedmemory/unregister", "v2 management shared_memory"),
    ("GET", "/v2/systemsharedmemory/status", "v2 management shared_memory"),
    ("GET", "/v2/cudasharedmemory/status", "v2 management shared_memory"),
    ("POST", "/v2/cudasharedmemory/region/r/register", "v2 management shared_memory"),
    ("POST", "/v2/repository/r/index", "v2 management repository"),
    ("POST", "/v2/repository/r/models/m/load", "v2 management repository"),
    ("POST", "/models/m/invoke", "sagemaker infer infer"),
    ("GET", "/models/m/invoke", "method_not_allowed"),
    ("GET", "/ping", "sagemaker probe ready"),
    ("POST", "/ping", "method_not_allowed"),
    ("GET", "/models", "sagemaker management models"),
    ("POST", "/models", "sagemaker management models"),
    ("DELETE", "/models/m", "sagemaker management models"),
    ("POST", "/invocations", "endpoint_unknown"),  # without --default-model
    ("GET", "/invocations", "method_not_allowed"),
    ("POST", "/invocations/", "endpoint_unknown"),
    # Vertex AI's by default.
    ("POST", "/predict", "endpoint_unknown"),
    ("GET", "/health", "endpoint_unknown"),
    ("GET", "/metrics", "endpoint_unknown"),
    ("POST", "/v1/models/m:predict", "endpoint_unknown"),
    ("POST", "/v1/models/m/load", "endpoint_unknown"),
]


def test_table() -> None:
    assert meanings("triton", V2_EVERYWHERE + ROWS) == V2_EVERYWHERE + ROWS


def test_invocations_mean_the_default_model() -> None:
    served = server("triton")
    with pytest.raises(Refused, match="--default-model says which one it means"):
        served.route("POST", "/invocations", "")
    assert replace(served, default_model="credit").route("POST", "/invocations", "") == Endpoint(
        EndpointKind.INFER, "sagemaker", "infer", "credit"
    )


def test_codings() -> None:
    assert server("triton").codings == {"v2": {b"gzip", b"deflate"}}


def test_bodies() -> None:
    assert taken("triton") == {
        "json": [b"application/json", None],
        "binary": [b"application/json", None, b"application/octet-stream"],
    }
