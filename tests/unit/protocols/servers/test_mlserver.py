from __future__ import annotations

from sidecar.protocols.servers import server
from tests.unit.protocols.servers.tables import V2_EVERYWHERE, meanings, taken

ROWS = [
    ("POST", "/v2/models/m/generate", "v2 infer generate"),
    ("POST", "/v2/models/m/generate_stream", "v2 infer generate_stream"),
    ("POST", "/v2/models/m/versions/1/generate_stream", "v2 infer generate_stream"),
    ("POST", "/v2/models/m/infer_stream", "v2 infer infer_stream"),
    ("POST", "/v2/models/m/versions/1/infer_stream", "v2 infer infer_stream"),
    ("GET", "/v2/models/m/infer_stream", "method_not_allowed"),
    ("GET", "/v2/docs", "v2 metadata server_docs"),
    ("GET", "/v2/docs/dataplane.json", "v2 metadata server_docs"),
    ("GET", "/v2/models/m/docs", "v2 metadata model_docs"),
    ("GET", "/v2/models/m/docs/dataplane.json", "v2 metadata model_docs"),
    ("GET", "/v2/models/m/versions/1/docs", "v2 metadata model_docs"),
    ("POST", "/v2/docs", "method_not_allowed"),
    ("GET", "/v2/repository/index", "v2 management repository"),
    ("GET", "/v2/models/m/config", "endpoint_unknown"),
    ("GET", "/v2/models", "endpoint_unknown"),
    ("GET", "/metrics", "endpoint_unknown"),
    ("GET", "/", "endpoint_unknown"),
    ("POST", "/invocations", "endpoint_unknown"),
    ("POST", "/v1/models/m:predict", "endpoint_unknown"),
]


def test_table() -> None:
    assert meanings("mlserver", V2_EVERYWHERE + ROWS) == V2_EVERYWHERE + ROWS


def test_codings() -> None:
    assert server("mlserver").codings == {"v2": {b"gzip"}}


def test_bodies() -> None:
    assert taken("mlserver") == {"json": [b"application/json"], "binary": []}
