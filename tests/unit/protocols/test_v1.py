from __future__ import annotations

from typing import Any

import orjson
import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Headers, Request, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.v1 import V1

ENDPOINT = Endpoint(EndpointKind.INFER, "v1", "infer", "credit")
JSON: Headers = ((b"content-type", b"application/json"),)
FACTS = ModelFacts("credit")


def read(body: object, headers: Headers = JSON) -> Call:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return V1().read_request(ENDPOINT, Request("POST", "/", headers, raw), Facts("r", {"credit": FACTS}), Limits(3))


@pytest.mark.parametrize(
    ("body", "parameters"),
    [
        ({"instances": [1, 2]}, {}),
        ({"instances": [{"data_version": "a feature"}]}, {}),
        ({"instances": [1], "data": "an extra key"}, {}),
        (
            {"instances": [[1]], "data_version": "v", "consent_scope": None, "signature_name": "s"},
            {"data_version": ("v", "body:data_version"), "consent_scope": (None, "body:consent_scope")},
        ),
    ],
)
def test_read_request(body: dict[str, Any], parameters: dict[str, tuple[object, str]]) -> None:
    assert read(body) == Call(ENDPOINT, len(body["instances"]), parameters, body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([1], Reason("body_malformed", "the body is not a JSON object")),
        ({}, Reason("body_malformed", "instances is not an array")),
        ({"instances": {}}, Reason("body_malformed", "instances is not an array")),
        ({"instances": []}, Reason("body_malformed", "the request holds no instance")),
        ({"instances": [1, 2, 3, 4]}, Reason("instances_too_many", "4 instances; at most 3 pass")),
        (
            {"instances": [1], "inputs": [2]},
            Reason("body_malformed", "the column form, inputs, is not taken; send instances"),
        ),
        (
            {"specversion": "1.0", "instances": [1], "data": {"instances": [2, 3]}},
            Reason("body_malformed", "a CloudEvent is not taken: the instances would be those in its data"),
        ),
        (
            b'{"instances":[1],"\\u0069nstances":[2]}',
            Reason("body_malformed", "the body cannot be read: an object has a key twice"),
        ),
    ],
)
def test_read_request_refuses(body: object, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        read(body)
    assert caught.value.reasons == (reason,)


@pytest.mark.parametrize(
    "media_type",
    [b"text/plain", b"application/json; charset=utf-8", b"Application/JSON", b"application/cloudevents+json", None],
)
def test_read_request_takes_json_alone(media_type: bytes | None) -> None:
    with pytest.raises(Refused) as caught:
        read({"instances": [1]}, headers=() if media_type is None else ((b"content-type", media_type),))
    assert [reason.code for reason in caught.value.reasons] == ["media_type_unsupported"]


@pytest.mark.parametrize(
    ("rows", "reader", "values"),
    [
        ([{"a": 1}, {"a": "x"}], "input:a", [1, "x"]),
        ([[1, 2], [3, 4]], "input:instances[1]", [2, 4]),
        ([5, 6], "input:instances", [5, 6]),
        ([{"a": 1}, {}], "input:a", ()),
        ([{"a": 1}, {"a": 2}], "input:b", None),
    ],
)
def test_input_column(rows: list[object], reader: str, values: object) -> None:
    assert V1().input_column(read({"instances": rows}), FACTS, parse_reader(reader)) == values


def predicted(predictions: object, reader: str) -> Prediction:
    facts = ModelFacts("credit", read=ReadPlan(score=parse_reader(reader)))
    response = Response(200, (), orjson.dumps({"predictions": predictions}))
    return V1().read_prediction(read({"instances": [1, 2]}), response, facts)


@pytest.mark.parametrize(
    ("predictions", "reader"),
    [
        ([0.5, 1], "output:predictions"),
        ([[0.5], [1]], "output:predictions"),
        ([[0, 0.5], [0, 1]], "output:predictions[1]"),
        ([{"s": 0.5}, {"s": 1}], "output:s"),
        ([{"s": [0, 0.5]}, {"s": [0, 1]}], "output:s[1]"),
        ([0.5, 1], "pointer:/predictions"),
    ],
)
def test_read_prediction(predictions: object, reader: str) -> None:
    assert predicted(predictions, reader) == Prediction(200, (0.5, 1.0))


@pytest.mark.parametrize(
    ("predictions", "reader", "message"),
    [
        ([0.5], "output:predictions", "1 values for 2 instances"),
        (None, "output:predictions", "a prediction has no such value"),
        ([0.5, 1], "output:score", "a prediction has no such value"),
        ([[0, 1], [0, 1]], "output:predictions", "a prediction has no such value"),
        ([{"s": 1}, {}], "output:s", "a prediction has no such value"),
        ([{"s": 1}], "pointer:/nowhere", "nothing is there"),
    ],
)
def test_read_prediction_refuses(predictions: object, reader: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(predictions, reader)
    assert caught.value.reasons == (
        Reason("prediction_unreadable", f"the model's answer cannot be read: score {reader}: {message}"),
    )


def test_explanations_are_whole() -> None:
    facts = ModelFacts("credit", read=ReadPlan(explanation=parse_reader("output:why")))
    call = read({"instances": [1, 2]})
    for rows, explanation in (([{"why": {"a": 1}}, {"why": []}], [{"a": 1}, []]), ([{}, {"why": 1}], None)):
        response = Response(200, (), orjson.dumps({"predictions": rows}))
        assert V1().read_prediction(call, response, facts) == Prediction(200, explanation=explanation)


EXPLAIN = Endpoint(EndpointKind.INFER, "v1", "explain", "credit")
PLAN = ReadPlan(
    score=parse_reader("output:score"),
    label=parse_reader("most_probable"),
    explanation=parse_reader("output:explanations"),
)


@pytest.mark.parametrize(
    ("answer", "prediction"),
    [
        ({"explanations": [["a"], ["b"]]}, Prediction(200, explanation=[["a"], ["b"]])),
        ({"predictions": [{}, {"score": 1}], "explanations": ["a"]}, Prediction(200, explanation=["a"])),
        (
            {"predictions": [{"score": 0}, {"score": 1}], "explanations": {"a": 1}},
            Prediction(200, (0.0, 1.0)),
        ),
        ({"predictions": [0, 1]}, Prediction(200)),
    ],
)
def test_an_explanation_may_come_without_predictions(answer: object, prediction: Prediction) -> None:
    facts = ModelFacts("credit", read=PLAN)
    call = Call(EXPLAIN, 2)
    assert V1().read_prediction(call, Response(200, (), orjson.dumps(answer)), facts) == prediction


def test_scores_beside_an_explanation_are_one_an_instance() -> None:
    facts = ModelFacts("credit", read=ReadPlan(score=parse_reader("output:score")))
    response = Response(200, (), orjson.dumps({"predictions": [{"score": 1}], "explanations": [1, 2]}))
    with pytest.raises(Refused) as caught:
        V1().read_prediction(Call(EXPLAIN, 2), response, facts)
    assert [reason.code for reason in caught.value.reasons] == ["prediction_unreadable"]


def test_predictions_may_be_maps_of_labels_to_probabilities() -> None:
    plan = ReadPlan(score=parse_reader("probability:yes"), label=parse_reader("most_probable"))
    facts = ModelFacts("credit", read=plan)
    body = orjson.dumps({"predictions": [{"yes": 0.9, "no": 0.1}, {"yes": 0.2, "no": 0.8}]})
    call = read({"instances": [1, 2]})
    assert V1().read_prediction(call, Response(200, (), body), facts) == Prediction(200, (0.9, 0.2), ("yes", "no"))


def test_what_clients_see() -> None:
    call = read({"instances": [1, 2]})
    assert V1().refusal_members("no") == {"error": "no"}
    assert V1().render_fallback(call, [{"a": 1}, 0]) == Response(200, JSON, b'{"predictions":[{"a":1},0]}')
    assert V1().render_fallback(call, [1]) is None
