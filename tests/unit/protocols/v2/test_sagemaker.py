from __future__ import annotations

import struct

import orjson
import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Headers, Request, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.v2.sagemaker import SageMaker
from sidecar.protocols.v2.tensors import read_tensor

ENDPOINT = Endpoint(EndpointKind.INFER, "sagemaker", "infer", "credit")
FACTS = ModelFacts("credit", read=ReadPlan(score=parse_reader("output:score")))
JSON: Headers = ((b"content-type", b"application/json"),)
SAGEMAKER = SageMaker()
AGES = struct.pack("<2d", 51, 17)


def binary(size: int | bytes) -> Headers:
    written = size if isinstance(size, bytes) else str(size).encode()
    media_type = b"application/vnd.sagemaker-triton.binary+json;json-header-size=" + written
    return ((b"content-type", media_type),)


def tensor(name: str) -> dict[str, object]:
    return {"name": name, "shape": [2], "datatype": "FP64", "parameters": {"binary_data_size": 16}}


INPUTS = orjson.dumps({"inputs": [tensor("age")]})


def read(body: bytes, headers: Headers, *, batch: bool = True) -> Call:
    facts = Facts("r", {"credit": ModelFacts("credit", batch=batch)})
    return SAGEMAKER.read_request(ENDPOINT, Request("POST", "/invocations", headers, body), facts, Limits())


def test_the_media_type_says_the_length_of_the_head() -> None:
    age = read_tensor(tensor("age"), memoryview(AGES))
    assert read(INPUTS + AGES, binary(len(INPUTS))) == Call(ENDPOINT, 2, {}, {"age": age})


def test_json() -> None:
    age: dict[str, object] = {"name": "age", "shape": [2], "datatype": "FP64", "data": [51, 17]}
    assert read(orjson.dumps({"inputs": [age]}), JSON) == Call(ENDPOINT, 2, {}, {"age": read_tensor(age)})


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        (binary(len(INPUTS) - 1), "body_malformed"),
        (binary(b"0%d" % len(INPUTS)), "body_malformed"),
        (binary(99999), "body_malformed"),
        (binary(b""), "media_type_unsupported"),
        (binary(b"+5"), "media_type_unsupported"),
        (binary(b"5 "), "media_type_unsupported"),
        (binary(b"5;json-header-size=6"), "media_type_unsupported"),
        ((*binary(len(INPUTS)), *binary(len(INPUTS))), "media_type_unsupported"),
        ((*binary(len(INPUTS)), *JSON), "media_type_unsupported"),
        (((b"content-type", b"application/octet-stream"),), "media_type_unsupported"),
        ((), "media_type_unsupported"),
    ],
)
def test_what_is_not_plain_is_refused(headers: Headers, code: str) -> None:
    with pytest.raises(Refused) as caught:
        read(INPUTS + AGES, headers)
    assert [reason.code for reason in caught.value.reasons] == [code]


def test_raw_input() -> None:
    assert read(AGES, binary(0), batch=False) == Call(ENDPOINT, 1)
    with pytest.raises(Refused, match="raw input says nothing of its rows"):
        read(AGES, binary(0))


@pytest.mark.parametrize("headers", [JSON, binary(len(INPUTS))])
def test_the_header_that_triton_passes_over_is_refused(headers: Headers) -> None:
    with pytest.raises(Refused) as caught:
        read(INPUTS + AGES, (*headers, (b"inference-header-content-length", str(len(INPUTS)).encode())))
    assert caught.value.reasons == (
        Reason(
            "media_type_unsupported",
            "Inference-Header-Content-Length means nothing here: Content-Type says json-header-size",
        ),
    )


def test_answers() -> None:
    call = Call(ENDPOINT, 2)
    head = orjson.dumps({"outputs": [tensor("score")]})
    answer = Response(200, binary(len(head)), head + struct.pack("<2d", 0.5, 0.25))
    assert SAGEMAKER.read_prediction(call, answer, FACTS) == Prediction(200, (0.5, 0.25))
    written = orjson.dumps({"outputs": [{"name": "score", "shape": [2], "data": [0.5, 0.25]}]})
    assert SAGEMAKER.read_prediction(call, Response(200, JSON, written), FACTS) == Prediction(200, (0.5, 0.25))
