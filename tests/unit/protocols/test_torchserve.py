from __future__ import annotations

from typing import Any

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Headers, Request, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.torchserve import TorchServe

ENDPOINT = Endpoint(EndpointKind.INFER, "torchserve", "infer", "credit")
FACTS = ModelFacts("credit")
JSON: Headers = ((b"content-type", b"application/json"),)


def typed(media_type: bytes) -> Headers:
    return ((b"content-type", media_type),)


def read(body: bytes, headers: Headers = JSON) -> Call:
    return TorchServe().read_request(ENDPOINT, Request("POST", "/", headers, body), Facts("r", {}), Limits(1))


@pytest.mark.parametrize(
    ("body", "headers", "call"),
    [
        (
            b'{"income":1,"data_version":"v","consent_scope":2}',
            JSON,
            Call(
                ENDPOINT,
                1,
                {"data_version": ("v", "body:data_version"), "consent_scope": (2, "body:consent_scope")},
                {"income": 1, "data_version": "v", "consent_scope": 2},
            ),
        ),
        (b'[{"data_version":"v"}]', JSON, Call(ENDPOINT, 1, {}, [{"data_version": "v"}])),
        (b"0.5", typed(b"application/json; charset=utf-8"), Call(ENDPOINT, 1, {}, 0.5)),
        (b"\x89PNG\r\n", typed(b"image/png"), Call(ENDPOINT, 1)),
        (b"\xff\xd8\xff\xe0{", (), Call(ENDPOINT, 1)),
        (b"", (), Call(ENDPOINT, 1)),
        (b"a text {of} words", typed(b"text/plain"), Call(ENDPOINT, 1)),
    ],
)
def test_read_request(body: bytes, headers: Headers, call: Call) -> None:
    assert read(body, headers) == call


FORM = "forms and multipart bodies are not taken; send JSON or the raw input"
AS_JSON = "a JSON object must say Content-Type: application/json"


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"x", typed(b"multipart/form-data; boundary=x"), Reason("media_type_unsupported", FORM)),
        (b"x", typed(b"Multipart/Mixed"), Reason("media_type_unsupported", FORM)),
        (b"a=1", typed(b"application/x-www-form-urlencoded"), Reason("media_type_unsupported", FORM)),
        (b'{"data_version":"v"}', typed(b"text/plain"), Reason("media_type_unsupported", AS_JSON)),
        (b' \r\n\t{"a":1}', (), Reason("media_type_unsupported", AS_JSON)),
        (b'\xef\xbb\xbf{"a":1}', (), Reason("media_type_unsupported", AS_JSON)),
        ("{}".encode("utf-16"), (), Reason("media_type_unsupported", AS_JSON)),
        ("{}".encode("utf-16-be"), (), Reason("media_type_unsupported", AS_JSON)),
        ("{}".encode("utf-32-be"), (), Reason("media_type_unsupported", AS_JSON)),
        (b"{}", typed(b"application/vnd.api+json"), Reason("media_type_unsupported", AS_JSON)),
        (b"", JSON, Reason("body_malformed", "the body is empty")),
        (
            b'{"data_version":"a","data_\\u0076ersion":"b"}',
            JSON,
            Reason("body_malformed", "the body cannot be read: an object has a key twice"),
        ),
        (
            b"1",
            (*JSON, (b"explain", b"True")),
            Reason("header_forbidden", "the header explain makes the handler explain instead of infer"),
        ),
    ],
)
def test_read_request_refuses(body: bytes, headers: Headers, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        read(body, headers)
    assert caught.value.reasons == (reason,)


@pytest.mark.parametrize(
    ("body", "reader", "values"),
    [
        (b'{"race":"a"}', "input:race", ("a",)),
        (b'{"row":[1,"a"]}', "input:row[1]", ("a",)),
        (b'{"row":[1,"a"]}', "input:row[2]", ()),
        (b'{"row":[1,"a"]}', "input:row", ()),
        (b'{"row":1}', "input:race", None),
        (b"[1]", "input:race", None),
    ],
)
def test_input_column(body: bytes, reader: str, values: object) -> None:
    assert TorchServe().input_column(read(body), FACTS, parse_reader(reader)) == values


def test_an_opaque_body_has_no_columns() -> None:
    assert TorchServe().input_column(read(b"\x89PNG", ()), FACTS, parse_reader("input:race")) is None


def predicted(answer: bytes, **readers: str) -> Prediction:
    plan: dict[str, Any] = {name: parse_reader(text) for name, text in readers.items()}
    facts = ModelFacts("credit", read=ReadPlan(**plan))
    return TorchServe().read_prediction(read(b"{}"), Response(200, (), answer), facts)


@pytest.mark.parametrize(
    ("answer", "readers", "prediction"),
    [
        (
            b'{"score":0.5,"label":"approve"}',
            {"score": "output:score", "label": "output:label"},
            Prediction(200, (0.5,), ("approve",)),
        ),
        (b'{"p":[0.1,0.9]}', {"score": "output:p[1]"}, Prediction(200, (0.9,))),
        (b"0.5", {"score": "pointer:"}, Prediction(200, (0.5,))),
        (b'[{"s":[[1]]}]', {"score": "pointer:/0/s/0"}, Prediction(200, (1.0,))),
        (b'{"why":{"a":[1]}}', {"explanation": "output:why"}, Prediction(200, explanation={"a": [1]})),
        (b"\xff\xd8", {}, Prediction(200)),
    ],
)
def test_read_prediction(answer: bytes, readers: dict[str, str], prediction: Prediction) -> None:
    assert predicted(answer, **readers) == prediction


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "no JSON text (RFC 8259) near character 0"),
        (b"approve", "no JSON text (RFC 8259) near character 0"),
        (b'{"score":0.5,"score":0.9}', "an object has a key twice"),
        (b"[0.5]", "score output:score: the answer has no such value"),
        (b'{"score":[0.5,0.6]}', "score output:score: the answer has no such value"),
    ],
)
def test_read_prediction_refuses(answer: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(answer, score="output:score")
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


def test_what_clients_see() -> None:
    call = read(b"{}")
    assert TorchServe().refusal_members("no") == {"message": "no"}
    assert TorchServe().render_fallback(call, [{"label": "deny"}]) == Response(200, JSON, b'{"label":"deny"}')
    assert TorchServe().render_fallback(call, []) is None
