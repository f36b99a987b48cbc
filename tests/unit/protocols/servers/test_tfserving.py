from __future__ import annotations

import pytest

from sidecar.protocols.servers import server
from tests.unit.protocols.servers.tables import Row, meanings

ROWS: list[Row] = [
    ("POST", "/v1/models/m:predict", "tfserving infer infer"),
    ("POST", "/v1/models/m:classify", "tfserving infer classify"),
    ("POST", "/v1/models/m:regress", "tfserving infer regress"),
    ("POST", "/v1/models/m/versions/3:predict", "tfserving infer infer"),
    ("POST", "/v1/models/m/versions/3:classify", "tfserving infer classify"),
    ("POST", "/v1/models/m/labels/canary:regress", "tfserving infer regress"),
    ("POST", "/v1/models/m/versions/3/labels/canary:predict", "endpoint_unknown"),
    ("GET", "/v1/models/m:predict", "method_not_allowed"),
    ("OPTIONS", "/v1/models/m:predict", "method_not_allowed"),
    ("PUT", "/v1/models/m:predict", "method_not_allowed"),
    ("POST", "/V1/models/m:predict", "endpoint_unknown"),
    ("POST", "/v1/models/m:PREDICT", "endpoint_unknown"),
    ("POST", "/v1/models/m:explain", "endpoint_unknown"),
    ("POST", "/v1/models/%6d:predict", "http_malformed"),
    ("POST", "/v1/models/m%3apredict", "http_malformed"),
    ("GET", "/v1/models/m", "tfserving probe model_status"),
    ("GET", "/v1/models/m/versions/3", "tfserving probe model_status"),
    ("GET", "/v1/models/m/labels/canary", "tfserving probe model_status"),
    ("POST", "/v1/models/m", "method_not_allowed"),
    ("GET", "/v1/models", "endpoint_unknown"),
    ("GET", "/v1/models/m/metadata", "tfserving metadata model_metadata"),
    ("GET", "/v1/models/m/versions/3/metadata", "tfserving metadata model_metadata"),
    ("GET", "/v1/models/m/labels/canary/metadata", "tfserving metadata model_metadata"),
    ("POST", "/v1/models/m/metadata", "method_not_allowed"),
    ("GET", "/monitoring/prometheus/metrics", "tfserving management metrics"),
    ("POST", "/monitoring/prometheus/metrics", "tfserving management metrics"),
    ("GET", "/monitoring/prometheus", "endpoint_unknown"),
    ("GET", "/", "endpoint_unknown"),
]


def test_table() -> None:
    assert meanings("tfserving", ROWS) == ROWS


@pytest.mark.parametrize(("path", "version"), [("", None), ("/versions/3", "3"), ("/labels/canary", "canary")])
def test_versions_and_labels(path: str, version: str | None) -> None:
    endpoint = server("tfserving").route("POST", f"/v1/models/m{path}:predict", "")
    assert (endpoint.model, endpoint.version) == ("m", version)


def test_codings() -> None:
    assert server("tfserving").codings == {"tfserving": {b"gzip"}}
