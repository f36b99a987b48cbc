from __future__ import annotations

from sidecar.protocols.servers import server
from tests.unit.protocols.servers.tables import V2_EVERYWHERE, meanings, taken

ROWS = [
    ("POST", "/v1/models/m:predict", "v1 infer infer"),
    ("POST", "/v1/models/m:explain", "v1 infer explain"),
    ("GET", "/v1/models/m:predict", "method_not_allowed"),
    ("GET", "/v1/models/m:explain", "method_not_allowed"),
    ("POST", "/v1/models/m%3Apredict", "http_malformed"),
    ("POST", "/v1/models/m:predict/", "endpoint_unknown"),
    ("POST", "/v1/models/m:predict:predict", "endpoint_unknown"),
    ("GET", "/", "v1 probe live"),
    ("GET", "/v1/models/m", "v1 probe model_ready"),
    ("GET", "/v1/models", "v1 metadata model_list"),
    ("GET", "/v2/models", "v2 metadata model_list"),
    ("GET", "/metrics", "v1 metadata metrics"),
    ("GET", "/openapi.json", "v1 metadata api_description"),
    ("POST", "/openai/v1/chat/completions", "openai infer chat"),
    ("POST", "/openai/v1/completions", "openai infer completion"),
    ("POST", "/openai/v1/embeddings", "openai infer embedding"),
    ("GET", "/openai/v1/models", "openai metadata model_list"),
    ("GET", "/openai/v1/models/m", "openai metadata model_metadata"),
    ("POST", "/openai/v1/rerank", "endpoint_unknown"),
    ("POST", "/timeseries/v1/timeseries/forecast", "endpoint_unknown"),
    ("POST", "/v2/models/m/generate", "endpoint_unknown"),
    ("POST", "/v2/models/m/infer_stream", "endpoint_unknown"),
    ("POST", "/invocations", "endpoint_unknown"),
]


def test_table() -> None:
    assert meanings("kserve", V2_EVERYWHERE + ROWS) == V2_EVERYWHERE + ROWS


def test_codings() -> None:
    assert server("kserve").codings == {}


def test_bodies() -> None:
    assert taken("kserve") == {"json": [b"application/json"], "binary": [None, b"application/octet-stream"]}
