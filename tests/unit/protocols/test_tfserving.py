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
from sidecar.protocols.reading import without_body
from sidecar.protocols.tfserving import ColumnCall, TFServing

PREDICT = Endpoint(EndpointKind.INFER, "tfserving", "infer", "credit")
CLASSIFY = Endpoint(EndpointKind.INFER, "tfserving", "classify", "credit", "3")
REGRESS = Endpoint(EndpointKind.INFER, "tfserving", "regress", "credit")
JSON: Headers = ((b"content-type", b"application/json"),)
BATCH = ModelFacts("credit")
ONE = ModelFacts("credit", batch=False)
BINARY = {"b64": "YQ=="}


def read(
    body: object,
    endpoint: Endpoint = PREDICT,
    *,
    facts: ModelFacts = BATCH,
    headers: Headers = JSON,
    path: str = "/v1/models/credit:predict",
) -> Call:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return TFServing().read_request(
        endpoint, Request("POST", path, headers, raw), Facts("r", {"credit": facts}), Limits(3)
    )


@pytest.mark.parametrize(
    ("body", "instances"),
    [
        ({"instances": [1.0, 2.0]}, 2),
        ({"instances": [[[1, 2]], [[3, 4]], [[5, 6]]], "signature_name": "s"}, 3),
        ({"instances": [{"tag": "foo", "signal": [1, 2]}]}, 1),
        ({"instances": [BINARY, BINARY]}, 2),
    ],
)
def test_rows(body: object, instances: int) -> None:
    assert read(body) == Call(PREDICT, instances, {}, body)


@pytest.mark.parametrize(
    ("body", "facts", "instances"),
    [
        ({"inputs": [1.0, 2.0]}, BATCH, 2),
        ({"inputs": {"tag": ["a", "b"], "signal": [[1, 2], [3, 4]], "image": [BINARY, BINARY]}}, BATCH, 2),
        ({"inputs": {"b64": ["YQ=="]}}, BATCH, 1),
        ({"inputs": {"b64": [1, 2], "c": [3, 4]}}, BATCH, 2),
        ({"inputs": {"age": 51, "row": [1, 2, 3, 4, 5]}}, ONE, 1),
        ({"inputs": BINARY}, ONE, 1),
    ],
)
def test_columns(body: object, facts: ModelFacts, instances: int) -> None:
    assert read(body, facts=facts) == ColumnCall(PREDICT, instances, {}, body)


@pytest.mark.parametrize("endpoint", [CLASSIFY, REGRESS])
def test_examples(endpoint: Endpoint) -> None:
    for body in (
        {"examples": [{"x": 1}, {"x": [2]}]},
        {"signature_name": "s", "context": {"y": BINARY}, "examples": [{"x": 1}, {}], "instances": "ignored"},
    ):
        assert read(body, endpoint) == Call(endpoint, 2, {}, body)


def test_governed_attributes_are_extra_keys() -> None:
    said = {"data_version": "v", "consent_scope": 1}
    expected = {"data_version": ("v", "body:data_version"), "consent_scope": (1, "body:consent_scope")}
    for endpoint, form in ((PREDICT, "instances"), (PREDICT, "inputs"), (CLASSIFY, "examples")):
        assert read({form: [{}], **said}, endpoint).parameters == expected


@pytest.mark.parametrize("media_type", [b"application/json", b"application/x-www-form-urlencoded", None])
def test_what_documented_clients_call_their_body(media_type: bytes | None) -> None:
    headers: Headers = () if media_type is None else ((b"content-type", media_type),)
    assert read({"instances": [1]}, headers=headers).instances == 1


@pytest.mark.parametrize("media_type", [b"text/plain", b"multipart/form-data; boundary=x", b"application/octet-stream"])
def test_no_other_media_type(media_type: bytes) -> None:
    with pytest.raises(Refused) as caught:
        read({"instances": [1]}, headers=((b"content-type", media_type),))
    assert caught.value.reasons == (Reason("media_type_unsupported", "Content-Type must be application/json"),)


def test_a_label_is_not_a_version() -> None:
    body = {"instances": [1]}
    said = Endpoint(EndpointKind.INFER, "tfserving", "infer", "credit", "3")
    labelled = Endpoint(EndpointKind.INFER, "tfserving", "infer", "credit", "label:3")
    assert read(body, said, path="/v1/models/credit/versions/3:predict").endpoint == said
    assert read(body, said, path="/v1/models/credit/labels/3:predict").endpoint == labelled


FORM = "the body holds not one of instances and inputs"
LEADING = (
    "inputs do not agree on a leading dimension, the number of instances; "
    'a model that takes no batch has "batch": false in its facts'
)


@pytest.mark.parametrize(
    ("body", "endpoint", "reason"),
    [
        ([1], PREDICT, Reason("body_malformed", "the body is not a JSON object")),
        ({}, PREDICT, Reason("body_malformed", FORM)),
        ({"examples": [{}]}, PREDICT, Reason("body_malformed", FORM)),
        ({"instances": [1], "inputs": [1]}, PREDICT, Reason("body_malformed", FORM)),
        ({"instances": {"a": 1}}, PREDICT, Reason("body_malformed", "instances is not an array")),
        ({"instances": None}, PREDICT, Reason("body_malformed", "instances is not an array")),
        ({"instances": []}, PREDICT, Reason("body_malformed", "the request holds no instance")),
        ({"instances": [1, 2, 3, 4]}, PREDICT, Reason("instances_too_many", "4 instances; at most 3 pass")),
        ({"inputs": []}, PREDICT, Reason("body_malformed", "the request holds no instance")),
        ({"inputs": {}}, PREDICT, Reason("body_malformed", LEADING)),
        ({"inputs": 1}, PREDICT, Reason("body_malformed", LEADING)),
        ({"inputs": BINARY}, PREDICT, Reason("body_malformed", LEADING)),
        ({"inputs": {"a": [1, 2], "b": 1}}, PREDICT, Reason("body_malformed", LEADING)),
        ({"inputs": {"a": [1], "b": [1, 2]}}, PREDICT, Reason("body_malformed", LEADING)),
        ({"inputs": [[1]] * 4}, PREDICT, Reason("instances_too_many", "4 instances; at most 3 pass")),
        ({"instances": [{}]}, CLASSIFY, Reason("body_malformed", "examples is not an array of objects")),
        ({"examples": [1]}, REGRESS, Reason("body_malformed", "examples is not an array of objects")),
        ({"examples": []}, REGRESS, Reason("body_malformed", "the request holds no instance")),
        ({"examples": [{}], "context": [1]}, REGRESS, Reason("body_malformed", "context is not an object")),
        (
            b'{"instances":[1],"instances":[2,3]}',
            PREDICT,
            Reason("body_malformed", "the body cannot be read: an object has a key twice"),
        ),
        (
            b'{"instances":[NaN]}',
            PREDICT,
            Reason("body_malformed", "the body cannot be read: no JSON text (RFC 8259) near character 14"),
        ),
    ],
)
def test_read_request_refuses(body: object, endpoint: Endpoint, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        read(body, endpoint)
    assert caught.value.reasons == (reason,)


@pytest.mark.parametrize(
    ("body", "facts", "reader", "values"),
    [
        ({"instances": [{"g": "a"}, {"g": "b"}]}, BATCH, "input:g", ["a", "b"]),
        ({"instances": [[1, "a"], [2, "b"]]}, BATCH, "input:instances[1]", ["a", "b"]),
        ({"instances": [{"g": "a"}, {}]}, BATCH, "input:g", ()),
        ({"instances": [{"g": "a"}, {}]}, BATCH, "input:h", None),
        ({"inputs": {"g": ["a", "b"], "x": [1, 2]}}, BATCH, "input:g", ["a", "b"]),
        ({"inputs": {"g": [["a"], ["b"]]}}, BATCH, "input:g", ["a", "b"]),
        ({"inputs": {"g": [[1, "a"], [2, "b"]]}}, BATCH, "input:g[1]", ["a", "b"]),
        ({"inputs": {"g": [[1, "a"], [2]]}}, BATCH, "input:g[1]", ()),
        ({"inputs": {"g": [["a", "b"]]}}, BATCH, "input:g", ()),
        ({"inputs": [["a"], ["b"]]}, BATCH, "input:inputs", ["a", "b"]),
        ({"inputs": {"g": ["a"]}}, BATCH, "input:inputs", None),
        ({"inputs": {"g": "a", "x": [1, 2]}}, ONE, "input:g", ["a"]),
        ({"inputs": {"g": "a", "x": [1, 2]}}, ONE, "input:x[1]", [2]),
        ({"inputs": {"g": "a", "x": [1, 2]}}, ONE, "input:x", ()),
        ({"inputs": BINARY}, ONE, "input:b64", None),
    ],
)
def test_input_column(body: object, facts: ModelFacts, reader: str, values: object) -> None:
    call = read(body, facts=facts)
    assert TFServing().input_column(call, facts, parse_reader(reader)) == values


@pytest.mark.parametrize(
    ("context", "reader", "values"),
    [
        ({}, "input:x", [1, 2]),
        ({"g": "a"}, "input:g", ("a", "a")),
        ({"g": ["a"]}, "input:g", ("a", "a")),
        ({"g": ["a", "b"]}, "input:g[1]", ("b", "b")),
        ({"g": ["a", "b"]}, "input:g", ()),
        ({"x": 3}, "input:x", ()),
        ({"g": "a"}, "input:y", ()),
        ({"g": "a"}, "input:z", None),
    ],
)
def test_features_of_examples_and_context(context: object, reader: str, values: object) -> None:
    call = read({"context": context, "examples": [{"x": 1, "y": 1}, {"x": [2]}]}, CLASSIFY)
    assert TFServing().input_column(call, BATCH, parse_reader(reader)) == values


def predicted(answer: object, endpoint: Endpoint = PREDICT, *, facts: ModelFacts = BATCH, **readers: str) -> Prediction:
    plan: dict[str, Any] = {name: parse_reader(text) for name, text in readers.items()}
    known = ModelFacts("credit", batch=facts.batch, read=ReadPlan(**plan))
    body = {"examples": [{}, {}]} if endpoint is not PREDICT else {"inputs": [1, 2]}
    call = without_body(read(body, endpoint, facts=known), known, TFServing())
    raw = answer if isinstance(answer, bytes) else orjson.dumps(answer)
    return TFServing().read_prediction(call, Response(200, JSON, raw), known)


@pytest.mark.parametrize(
    ("answer", "reader"),
    [
        ({"predictions": [0.5, 1]}, "output:predictions"),
        ({"predictions": [[0, 0.5], [0, 1]]}, "output:predictions[1]"),
        ({"predictions": [{"s": [0.5]}, {"s": [1]}]}, "output:s"),
        ({"predictions": [0.5, 1]}, "pointer:/predictions"),
        ({"predictions": [{"a": 0.5, "b": 0}, {"a": 1, "b": 0}]}, "probability:a"),
        ({"outputs": [0.5, 1]}, "output:outputs"),
        ({"outputs": [[0, 0.5], [0, 1]]}, "output:outputs[1]"),
        ({"outputs": {"s": [[0.5], [1]], "t": [7, 8, 9]}}, "output:s"),
        ({"results": [0.5, 1]}, "output:results"),
        ({"results": [[["a", 0.5], ["b", 0.1]], [["b", 0], ["a", 1]]]}, "probability:a"),
    ],
)
def test_scores(answer: object, reader: str) -> None:
    assert predicted(answer, score=reader) == Prediction(200, (0.5, 1.0))


def test_labels_and_explanations() -> None:
    results = {"results": [[["a", 0.5], ["b", 0.1]], [["a", 0], ["b", 1]]]}
    assert predicted(results, CLASSIFY, label="most_probable") == Prediction(200, labels=("a", "b"))
    rows = {"predictions": [{"l": "a", "why": [1]}, {"l": "b", "why": {}}]}
    assert predicted(rows, label="output:l", explanation="output:why") == Prediction(
        200, labels=("a", "b"), explanation=[[1], {}]
    )
    columns = {"outputs": {"l": ["a", "b"], "why": [[1], [2]]}}
    assert predicted(columns, label="output:l", explanation="output:why") == Prediction(
        200, labels=("a", "b"), explanation=[[1], [2]]
    )
    assert predicted(columns, explanation="output:because") == Prediction(200)
    assert predicted({"outputs": {"s": 0.5}}, facts=ONE, score="output:s") == Prediction(200, (0.5,))


@pytest.mark.parametrize(
    ("answer", "reader", "message"),
    [
        ({"error": "no"}, "output:s", "score output:s: it holds not one of predictions, outputs and results"),
        (
            {"predictions": [1, 2], "outputs": [1, 2]},
            "output:predictions",
            "score output:predictions: it holds not one of predictions, outputs and results",
        ),
        ({"predictions": [1]}, "output:predictions", "score output:predictions: 1 values for 2 instances"),
        (
            {"predictions": [{"s": 1}, {}]},
            "output:s",
            "score output:s: the answer has no such value for each instance",
        ),
        ({"outputs": [1]}, "output:outputs", "score output:outputs: the answer has no such value for each instance"),
        ({"outputs": {"s": [1, 2]}}, "output:t", "score output:t: the answer has no such value for each instance"),
        ({"outputs": 1}, "output:outputs", "score output:outputs: the answer has no such value for each instance"),
        (
            {"outputs": {"a": [1, 2]}},
            "probability:a",
            "score probability:a: columns are no map of labels to probabilities; name one with output:NAME",
        ),
        (b'{"predictions":[NaN,1]}', "output:predictions", "no JSON text (RFC 8259) near character 16"),
        (b'{"predictions":[Infinity,1]}', "output:predictions", "no JSON text (RFC 8259) near character 16"),
        (b'{"results":[1,-Infinity]}', "output:results", "no JSON text (RFC 8259) near character 15"),
    ],
)
def test_read_prediction_refuses(answer: object, reader: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(answer, score=reader)
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


@pytest.mark.parametrize(
    ("body", "endpoint", "entries", "answer"),
    [
        ({"instances": [1, 2]}, PREDICT, [{"a": 1}, 0], b'{"predictions":[{"a":1},0]}'),
        ({"inputs": [1, 2]}, PREDICT, [0.5, 1], b'{"outputs":[0.5,1]}'),
        ({"inputs": [1, 2]}, PREDICT, [{"a": 1}, {"a": 2}], b'{"outputs":[1,2]}'),
        (
            {"inputs": [1, 2]},
            PREDICT,
            [{"a": 1, "b": "x"}, {"b": "y", "a": 2}],
            b'{"outputs":{"a":[1,2],"b":["x","y"]}}',
        ),
        ({"inputs": [1, 2]}, PREDICT, [{"a": 1}, {"b": 2}], None),
        ({"inputs": [1, 2]}, PREDICT, [{"a": 1}, 2], None),
        ({"examples": [{}, {}]}, CLASSIFY, [[["a", 1]], [["b", 1]]], b'{"results":[[["a",1]],[["b",1]]]}'),
        ({"examples": [{}, {}]}, REGRESS, [1, 2], b'{"results":[1,2]}'),
        ({"instances": [1, 2]}, PREDICT, [1], None),
    ],
)
def test_fallbacks(body: object, endpoint: Endpoint, entries: list[object], answer: bytes | None) -> None:
    call = without_body(read(body, endpoint), BATCH, TFServing())
    expected = None if answer is None else Response(200, JSON, answer)
    assert TFServing().render_fallback(call, entries) == expected


def test_refusals_look_like_its_own_errors() -> None:
    assert TFServing().refusal_members("no") == {"error": "no"}
