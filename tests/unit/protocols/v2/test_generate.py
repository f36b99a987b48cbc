from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Request, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.v2.generate import Generate

if TYPE_CHECKING:
    from sidecar.model.message import Headers

ENDPOINT = Endpoint(EndpointKind.INFER, "generate", "generate", "story")
STREAM = Endpoint(EndpointKind.INFER, "generate", "generate_stream", "story", "2")
JSON: Headers = ((b"content-type", b"application/json"),)
FACTS, UNBATCHED = ModelFacts("story"), ModelFacts("story", batch=False)
GENERATE = Generate()


def read(body: object, facts: ModelFacts = FACTS, endpoint: Endpoint = ENDPOINT, headers: Headers = JSON) -> Call:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    request = Request("POST", "/v2/models/story/generate", headers, raw)
    return GENERATE.read_request(endpoint, request, Facts("r", {"story": facts}), Limits())


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ({"text_input": "Once"}, {}),
        ({"text_input": ["Once"], "id": "i", "stream": False, "parameters": None}, {}),
        (
            {"text_input": "Once", "data_version": "v", "parameters": {"consent_scope": "x", "temperature": 0.1}},
            {"data_version": ("v", "body:data_version"), "consent_scope": ("x", "parameter:consent_scope")},
        ),
        (
            {"data_version": "v", "parameters": {"data_version": "v"}},
            {"data_version": (None, "body:data_version, parameter:data_version")},
        ),
    ],
)
@pytest.mark.parametrize("headers", [JSON, ()])
def test_read_request(body: dict[str, Any], attributes: dict[str, tuple[object, str]], headers: Headers) -> None:
    assert read(body, headers=headers) == Call(ENDPOINT, 1, attributes, body, id=body.get("id"))
    assert read(body, endpoint=STREAM).stream


def malformed(message: str) -> Reason:
    return Reason("body_malformed", message)


ARRAY = malformed(
    "an input is an array, which may be one instance or many; a model that takes it as one has "
    '"batch": false in its facts'
)
SHARED = Reason("shared_memory_forbidden", "the request names a shared memory region")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", malformed("the body is empty")),
        ([], malformed("the body is not a JSON object")),
        (b'{"text_input":"a","text_input":"b"}', malformed("the body cannot be read: an object has a key twice")),
        ({"parameters": []}, malformed("parameters is not an object")),
        ({"inputs": []}, malformed("generate takes no inputs; send each input as a member of its own name")),
        (
            {"parameters": {"outputs": 1}},
            malformed("generate takes no outputs; send each input as a member of its own name"),
        ),
        ({"shared_memory_region": "r"}, SHARED),
        ({"parameters": {"shared_memory_region": "r"}}, SHARED),
        ({"text_input": []}, ARRAY),
        ({"text_input": ["a", "b"]}, ARRAY),
        ({"text_input": [["a", "b"]]}, ARRAY),
        ({"text_input": "a", "parameters": {"age": [1, 2]}}, ARRAY),
    ],
)
def test_read_request_refuses(body: object, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        read(body)
    assert caught.value.reasons == (reason,)


@pytest.mark.parametrize(
    "headers",
    [
        ((b"content-type", b"text/plain"),),
        ((b"content-type", b"application/octet-stream"),),
        (*JSON, (b"inference-header-content-length", b"2")),
    ],
)
def test_read_request_takes_json_alone(headers: Headers) -> None:
    with pytest.raises(Refused) as caught:
        read({"text_input": "a"}, headers=headers)
    assert [reason.code for reason in caught.value.reasons] == ["media_type_unsupported"]


def test_a_model_without_batch_may_take_arrays() -> None:
    assert read({"row": [1, 2, 3], "parameters": {"stop_words": ["a", "b"]}}, UNBATCHED).instances == 1


@pytest.mark.parametrize(
    ("reader", "values"),
    [
        ("input:age", (51,)),
        ("input:row[1]", (8,)),
        ("input:sex", ("f",)),  # Triton makes an input of it all the same
        ("input:row", ()),
        ("input:row[3]", ()),
        ("input:nested[0]", ()),
        ("input:both", ()),
        ("input:name", None),
    ],
)
def test_input_column(reader: str, values: object) -> None:
    body = {"age": 51, "row": [7, 8, 9], "nested": [[1]], "both": 1, "parameters": {"sex": "f", "both": 1}}
    assert GENERATE.input_column(read(body, UNBATCHED), UNBATCHED, parse_reader(reader)) == values


def predicted(body: bytes, endpoint: Endpoint = ENDPOINT, **readers: str) -> Prediction:
    plan = ReadPlan(**{name: parse_reader(text) for name, text in readers.items()})  # pyright: ignore
    call = Call(endpoint, 1, stream=endpoint is STREAM)
    return GENERATE.read_prediction(call, Response(200, (), body), ModelFacts("story", read=plan))


# As Triton 2.51 wrote them.
ANSWER = b'{"label":"approve","model_name":"credit","model_version":"1","pair":[0.3,0.7],"score":0.7}'
EVENTS = (
    b'data: {"model_name":"story","model_version":"1","score":0.5,"text_output":"a"}\n\n'
    b'data: {"model_name":"story","model_version":"1","score":0.5,"text_output":" tale"}\n\n'
)


@pytest.mark.parametrize(
    ("body", "endpoint", "readers", "prediction"),
    [
        (ANSWER, ENDPOINT, {"score": "output:score", "label": "output:label"}, Prediction(200, (0.7,), ("approve",))),
        (ANSWER, ENDPOINT, {"score": "output:pair[1]"}, Prediction(200, (0.7,))),
        (ANSWER, ENDPOINT, {"explanation": "output:pair"}, Prediction(200, explanation=[0.3, 0.7])),
        (EVENTS, STREAM, {"score": "output:score"}, Prediction(200, (0.5,))),
        (EVENTS, STREAM, {"label": "output:text_output"}, Prediction(200, labels=("a tale",))),
        (b"", STREAM, {}, Prediction(200)),
    ],
)
def test_read_prediction(body: bytes, endpoint: Endpoint, readers: dict[str, str], prediction: Prediction) -> None:
    assert predicted(body, endpoint, **readers) == prediction


@pytest.mark.parametrize(
    ("body", "endpoint", "message"),
    [
        (
            b'{"error":"generate expects model to produce exactly 1 response"}',
            ENDPOINT,
            "score output:score: the answer has no such value",
        ),
        (b'{"score":[0.1,0.2]}', ENDPOINT, "score output:score: the answer has no such value"),
        (
            EVENTS + b'data: {"score":0.9}\n\n',
            STREAM,
            "score output:score: the answer has no such value",
        ),
        (EVENTS + b'data: {"error":"late"}\n\n', STREAM, "an event says that the model failed"),
        (b"", STREAM, "the stream is not one of JSON objects"),
    ],
)
def test_read_prediction_refuses(body: bytes, endpoint: Endpoint, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(body, endpoint, score="output:score")
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


def test_refusal_members() -> None:
    assert GENERATE.refusal_members("no") == {"error": "no"}


def test_render_fallback() -> None:
    entry = {"label": "deny", "score": 0}
    answer = {"model_name": "story", **entry}
    assert GENERATE.render_fallback(Call(ENDPOINT, 1), [entry]) == Response(200, JSON, orjson.dumps(answer))
    event = b'data: {"model_name":"story","model_version":"2","id":"i","label":"deny","score":0}\n\n'
    assert GENERATE.render_fallback(Call(STREAM, 1, stream=True, id="i"), [entry]) == Response(
        200, ((b"content-type", b"text/event-stream; charset=utf-8"),), event
    )


@pytest.mark.parametrize("entries", [[], [{}, {}], [1], [None]])
def test_render_fallback_of_what_generate_cannot_say(entries: list[object]) -> None:
    assert GENERATE.render_fallback(Call(ENDPOINT, 1), entries) is None
