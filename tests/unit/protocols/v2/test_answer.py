from __future__ import annotations

import struct
from typing import Any

import orjson
import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Response
from sidecar.model.prediction import Prediction
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call
from sidecar.protocols.media import OCTETS
from sidecar.protocols.v2.binary import Framing
from sidecar.protocols.v2.protocol import V2

PROTOCOL = V2(Framing(binary_types=(OCTETS,)))
JSON_SCORE = {"name": "score", "shape": [2], "datatype": "FP64", "data": [0.25, 1]}


def plan(**readers: str) -> ReadPlan:
    return ReadPlan(**{name: parse_reader(text) for name, text in readers.items()})  # pyright: ignore


def predicted(response: Response, operation: str = "infer", protocol: V2 = PROTOCOL, **readers: str) -> Prediction:
    endpoint = Endpoint(EndpointKind.INFER, "v2", operation, "credit")
    call = Call(endpoint, 2, stream=operation.endswith("_stream"))
    return protocol.read_prediction(call, response, ModelFacts("credit", read=plan(**readers)))


def why(response: Response, operation: str = "infer", protocol: V2 = PROTOCOL, **readers: str) -> str:
    with pytest.raises(Refused) as caught:
        predicted(response, operation, protocol, **readers)
    (reason,) = caught.value.reasons
    assert reason.code == "prediction_unreadable"
    return reason.message.removeprefix("the model's answer cannot be read: ")


def output(name: str, shape: list[int], datatype: str, size: int) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}


def binary(outputs: list[dict[str, Any]], tails: bytes) -> Response:
    """As Triton answers (2.51)."""
    head = orjson.dumps({"model_name": "credit", "model_version": "1", "outputs": outputs})
    headers = (
        (b"content-type", b"application/octet-stream"),
        (b"inference-header-content-length", str(len(head)).encode()),
    )
    return Response(200, headers, head + tails)


SCORE = output("score", [2, 2], "FP32", 16)
LABEL = output("label", [2], "BYTES", 19)
TAILS = struct.pack("<4f", 0.75, 0.25, 0.5, 0.5) + b"\4\0\0\0deny\7\0\0\0approve"


@pytest.mark.parametrize(
    ("readers", "prediction"),
    [
        (
            {"score": "output:score[1]", "label": "output:label"},
            Prediction(200, (0.25, 0.5), ("deny", "approve")),
        ),
        ({"explanation": "output:score"}, Prediction(200, explanation=[0.75, 0.25, 0.5, 0.5])),
        ({"explanation": "output:shap"}, Prediction(200)),
        ({"explanation": "pointer:/model_version"}, Prediction(200, explanation="1")),
        ({"explanation": "pointer:/outputs/0/shape"}, Prediction(200, explanation=[2, 2])),
        ({}, Prediction(200)),
    ],
)
def test_binary_outputs(readers: dict[str, Any], prediction: Prediction) -> None:
    assert predicted(binary([SCORE, LABEL], TAILS), **readers) == prediction


def test_an_answer_may_mix_json_and_binary() -> None:
    answer = binary([LABEL, JSON_SCORE], TAILS[16:])
    assert predicted(answer, score="output:score", label="output:label") == Prediction(
        200, (0.25, 1.0), ("deny", "approve")
    )


def test_a_server_of_binary_tensors_answers_in_json_too() -> None:
    answer = Response(200, (), orjson.dumps({"outputs": [JSON_SCORE]}))
    assert predicted(answer, score="output:score") == Prediction(200, (0.25, 1.0))


UNFILLED = "binary_data_size: all of them together are not the length of what follows the JSON head"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (binary([SCORE, LABEL], TAILS[:-1]), UNFILLED),
        (binary([SCORE, LABEL], TAILS + b"\0"), UNFILLED),
        (binary([SCORE], TAILS), UNFILLED),
        (
            binary([{**SCORE, "shape": [2]}], TAILS[:16]),
            "score output:score: binary_data_size is not what shape and datatype make",
        ),
        (
            binary([output("score", [2], "FP32", 8)], struct.pack("<2f", 0.5, float("nan"))),
            "score output:score: a number is not finite",
        ),
        (
            binary([output("score", [2], "FP32", 8)], struct.pack("<2f", 0.5, float("inf"))),
            "score output:score: a number is not finite",
        ),
        (
            binary([output("score", [2], "BYTES", 10)], b"\1\0\0\0a\1\0\0\0\xff"),
            "score output:score: a string is not UTF-8",
        ),
        (binary([LABEL], TAILS[16:]), "score output:score: the answer has no such output"),
        (binary([LABEL, LABEL], TAILS[16:] * 2), "score output:score: the answer has no such output"),
        (
            Response(200, (), b'{"outputs":[{"name":"score"},1]}'),
            "outputs is not an array of objects",
        ),
        (Response(200, (), b'{"outputs":{}}'), "outputs is not an array of objects"),
    ],
)
def test_binary_outputs_refused(answer: Response, message: str) -> None:
    assert why(answer, score="output:score") == message


def test_binary_is_unreadable_of_a_server_that_has_none() -> None:
    assert why(binary([SCORE, LABEL], TAILS), protocol=V2(), score="output:score") == "it is compressed or binary"


def stream(*events: dict[str, Any]) -> Response:
    """As MLServer answers (1.7)."""
    body = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
    return Response(200, ((b"content-type", b"text/event-stream; charset=utf-8"),), body)


LABELS = {"name": "label", "shape": [2], "datatype": "BYTES", "data": ["deny", "approve"]}


@pytest.mark.parametrize("operation", ["infer_stream", "generate_stream"])
def test_a_stream_is_read_as_a_whole(operation: str) -> None:
    whole = stream({"id": "1", "outputs": [JSON_SCORE, LABELS]})
    parts = stream({"id": "1", "outputs": [JSON_SCORE]}, {"id": "1", "outputs": [LABELS, JSON_SCORE]})
    expected = Prediction(200, (0.25, 1.0), ("deny", "approve"))
    for answer in (whole, parts):
        assert predicted(answer, operation, score="output:score", label="output:label") == expected


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            stream({"outputs": [JSON_SCORE]}, {"outputs": [{**JSON_SCORE, "data": [0.25, 0.5]}]}),
            "score output:score: the answer has no such output",
        ),
        (stream({"outputs": [JSON_SCORE, JSON_SCORE]}), "outputs holds a name twice"),
        (stream({"outputs": [JSON_SCORE]}, {"error": "late"}), "an event says that the model failed"),
        (stream(), "the stream is not one of JSON objects"),
        (Response(200, (), orjson.dumps({"outputs": [JSON_SCORE]})), "the stream ends in the middle of a line"),
    ],
)
def test_streams_refused(answer: Response, message: str) -> None:
    assert why(answer, "infer_stream", score="output:score") == message


def test_a_fallback_of_a_stream_is_one_event() -> None:
    endpoint = Endpoint(EndpointKind.INFER, "v2", "infer_stream", "credit", "3")
    response = PROTOCOL.render_fallback(Call(endpoint, 1, stream=True, id="i"), [{"label": "deny"}])
    assert response == stream(
        {
            "model_name": "credit",
            "model_version": "3",
            "id": "i",
            "outputs": [{"name": "label", "shape": [1], "datatype": "BYTES", "data": ["deny"]}],
        }
    )
