from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.refusal import Refused
from sidecar.protocols.servers import server
from tests.unit.protocols.servers.tables import Row, meanings

UNSAFE = ("GET", "HEAD", "DELETE", "TRACE", "OPTIONS", "PATCH")
INFERENCE: list[Row] = [
    ("POST", "/predictions/m", "torchserve infer infer"),
    ("PUT", "/predictions/m/1.0", "torchserve infer infer"),
    ("POST", "/predictions/predict", "torchserve infer infer"),
    ("POST", "/predictions/m/predict", "torchserve infer infer"),
    ("POST", "/explanations/m", "torchserve infer explain"),
    ("PUT", "/explanations/m/1.0", "torchserve infer explain"),
    ("POST", "/models/m/invoke", "torchserve infer infer"),
    ("POST", "/m/predict", "torchserve infer infer"),
    ("POST", "/m/1.0/predict", "torchserve infer infer"),
    ("POST", "/m/models/predict", "torchserve infer infer"),
    ("POST", "/wfpredict/w", "torchserve infer workflow"),
    ("POST", "/v1/models/m:predict", "v1 infer infer"),
    ("POST", "/v1/models/m:explain", "v1 infer explain"),
    ("POST", "/v2/models/m/infer", "v2 infer infer"),
    ("POST", "/v2/models/m/explain", "v2 infer explain"),
    ("POST", "/v2/models/predict/infer", "v2 infer infer"),
]
NOT_BY_METHOD: list[Row] = [
    (method, path, "method_not_allowed")
    for method in UNSAFE
    for path in (
        "/predictions/m",
        "/explanations/m/1.0",
        "/m/predict",
        "/m/1.0/predict",
        "/wfpredict/w",
        "/invocations",
    )
]
# TorchServe infers with the model `wfpredict`, `v1` or `v2`, or knows no such endpoint.
RESERVED: list[Row] = [
    (method, path, "torchserve management reserved")
    for method in ("GET", "POST")
    for path in (
        "/explanations/predict",
        "/invocations/predict",
        "/invocations/m/predict",
        "/models/predict",
        "/models/m/predict",
        "/ping/predict",
        "/wfpredict/predict",
        "/wfpredict/w/predict",
        "/workflows/predict",
        "/token/predict",
        "/v1/models/predict",
        "/v2/models/predict",
        "/metrics/predict",
    )
    if (method, path) != ("POST", "/explanations/predict")
]
REST: list[Row] = [
    ("GET", "/ping", "torchserve probe ready"),
    ("POST", "/ping", "method_not_allowed"),
    ("GET", "/v1/models/m", "v1 probe model_ready"),
    ("GET", "/v2/health/live", "v2 probe live"),
    ("GET", "/v2/health/ready", "v2 probe ready"),
    ("GET", "/v2", "v2 metadata server_metadata"),
    ("GET", "/api-description", "torchserve metadata api_description"),
    ("OPTIONS", "/", "endpoint_unknown"),
    ("GET", "/models", "torchserve management models"),
    ("POST", "/models", "torchserve management models"),
    ("GET", "/models/m", "torchserve management models"),
    ("DELETE", "/models/m/1.0", "torchserve management models"),
    ("GET", "/models/m/all", "torchserve management models"),
    ("GET", "/models/m/invoke", "torchserve management models"),
    ("PUT", "/models/m/set-default", "torchserve management models"),
    ("PUT", "/models/m/2.0/set-default", "torchserve management models"),
    ("POST", "/token", "torchserve management token"),
    ("POST", "/workflows", "torchserve management workflows"),
    ("DELETE", "/workflows/w", "torchserve management workflows"),
    ("POST", "/predictions/m/", "endpoint_unknown"),
    ("POST", "/predictions/m/1.0/more", "endpoint_unknown"),
    ("POST", "/pred%69ctions/m", "http_malformed"),
    ("POST", "/wfpredict/w/more", "endpoint_unknown"),
    ("POST", "/WFPREDICT/w", "endpoint_unknown"),
    ("POST", "/v1/models/m", "method_not_allowed"),
    ("GET", "/v1/models/m:predictive", "endpoint_unknown"),
    ("POST", "/v2/models/m/versions/1/infer", "endpoint_unknown"),
    ("GET", "/metrics", "endpoint_unknown"),
]


@pytest.mark.parametrize("rows", [INFERENCE, NOT_BY_METHOD, RESERVED, REST])
def test_table(rows: list[Row]) -> None:
    assert meanings("torchserve", rows) == rows


@pytest.mark.parametrize(
    ("path", "model", "version"),
    [
        ("/m/1.0/predict", "m", "1.0"),
        ("/wfpredict/w", "w", None),
        ("/models/m/invoke", "m", None),
        ("/explanations/m/2", "m", "2"),
        ("/v1/models/m:explain", "m", None),
    ],
)
def test_the_model_is_in_the_path(path: str, model: str, version: str | None) -> None:
    endpoint = server("torchserve").route("POST", path, "")
    assert (endpoint.model, endpoint.version) == (model, version)


def test_the_model_of_invocations() -> None:
    served = replace(server("torchserve"), default_model="only")

    def model(query: str) -> str | None:
        return served.route("POST", "/invocations", query).model

    assert (model(""), model("model_name=m")) == ("only", "m")
    assert served.route("POST", "/invocations", "") == Endpoint(EndpointKind.INFER, "torchserve", "infer", "only", None)
    for query in (
        "model_name=",
        "model_name=m&a=1",
        "model_name=m&model_name=n",
        "a=1",
        "data_version=v",
        "model_name=%6d",
    ):
        with pytest.raises(Refused) as caught:
            model(query)
        assert [reason.code for reason in caught.value.reasons] == ["http_malformed"]
    with pytest.raises(Refused) as caught:
        server("torchserve").route("POST", "/invocations", "")
    assert [reason.code for reason in caught.value.reasons] == ["endpoint_unknown"]


@pytest.mark.parametrize("path", ["/predictions/m", "/m/predict", "/models/m/invoke", "/wfpredict/w"])
def test_no_inputs_in_a_query(path: str) -> None:
    with pytest.raises(Refused) as caught:
        server("torchserve").route("POST", path, "data_version=v")
    assert [reason.code for reason in caught.value.reasons] == ["http_malformed"]


def test_codings() -> None:
    assert server("torchserve").codings == {}
