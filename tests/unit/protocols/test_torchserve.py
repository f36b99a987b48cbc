from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Headers, Request, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.torchserve import TorchServe, TorchServeV1, TorchServeV2

if TYPE_CHECKING:
    from sidecar.protocols.v1 import V1
    from sidecar.protocols.v2.protocol import V2

ENDPOINT = Endpoint(EndpointKind.INFER, "torchserve", "infer", "credit")
FACTS = ModelFacts("credit")
JSON: Headers = ((b"content-type", b"application/json"),)


def typed(media_type: bytes) -> Headers:
    return ((b"content-type", media_type),)


def read(body: bytes, headers: Headers = JSON) -> Call:
    return TorchServe().read_request(ENDPOINT, Request("POST", "/", headers, body), Facts("r", {}), Limits(1))


MULTIPART = typed(b" multipart/form-data; boundary=B ")


def form(*heads_and_contents: bytes) -> bytes:
    """A multipart body, of what follows `form-data; ` and the content of each part."""
    pairs = zip(heads_and_contents[::2], heads_and_contents[1::2], strict=True)
    parts = [b"--B\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % pair for pair in pairs]
    return b"".join(parts) + b"--B--\r\n"


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
        (
            b"age=42&data_version=v&note=",
            typed(b"application/x-www-form-urlencoded"),
            Call(
                ENDPOINT,
                1,
                {"data_version": ("v", "form:data_version")},
                {"age": "42", "data_version": "v", "note": ""},
            ),
        ),
        (
            form(
                b'name="data"; filename="kitten.jpg"\r\nContent-Type: image/jpeg',
                b"\xff\xd8",
                b'name="consent_scope"',
                b"scoring",
            ),
            MULTIPART,
            Call(
                ENDPOINT,
                1,
                {"consent_scope": ("scoring", "form:consent_scope")},
                {"data": [], "consent_scope": "scoring"},
            ),
        ),
    ],
)
def test_read_request(body: bytes, headers: Headers, call: Call) -> None:
    assert read(body, headers) == call


@pytest.mark.parametrize(
    ("body", "parameters"),
    [
        (form(b'name="data_version"', b"v", b'name="data_version"', b"v"), {"data_version": ([], "form:data_version")}),
        (form(b'name="data_version"; filename="x"', b"v"), {"data_version": ([], "form:data_version")}),
        (form(b'name="data_version"', b"\xff"), {"data_version": ([], "form:data_version")}),
        (form(b'name="a"', b'{"x":{"data_version":"v"}}'), {}),
        (form(b'name="a"', b' {"data_version":"v"}'), {"data_version": (None, "form:a.data_version")}),
        (
            form(
                b'name="body"; filename="x"\r\nContent-Type: application/json',
                b'{"consent_scope":1}',
                b'name="consent_scope"',
                b"s",
            ),
            {"consent_scope": (None, "form:body.consent_scope")},
        ),
    ],
)
def test_a_form_says_an_attribute_once_and_plainly(body: bytes, parameters: dict[str, object]) -> None:
    assert read(body, MULTIPART).parameters == parameters


def test_a_form_names_no_other_model() -> None:
    assert read(b"model_name=credit", typed(b"application/x-www-form-urlencoded")).body == {"model_name": "credit"}
    other = Reason("body_malformed", "the field model_name names another model than the path")
    for body in (
        form(b'name="model_name"', b"other"),
        form(b'name="model_name"; filename="x"', b"credit"),
        form(b'name="model_name"', b"credit", b'name="model_name"', b"credit"),
    ):
        with pytest.raises(Refused) as caught:
            read(body, MULTIPART)
        assert caught.value.reasons == (other,)


FORMS = (
    "of forms, multipart/form-data with a plain boundary and nothing else is taken, "
    "and application/x-www-form-urlencoded in UTF-8"
)
AS_JSON = "a JSON object must say Content-Type: application/json"


@pytest.mark.parametrize(
    ("body", "headers", "reason"),
    [
        (b"x", typed(b"multipart/form-data"), Reason("media_type_unsupported", FORMS)),
        (b"x", typed(b"Multipart/Mixed"), Reason("media_type_unsupported", FORMS)),
        (
            form(b'name="a"', b'{"data_version":"a","data_version":"b"}'),
            MULTIPART,
            Reason("body_malformed", "the body cannot be read: an object has a key twice"),
        ),
        (
            form(b'name="a"', "{}".encode("utf-16")),
            MULTIPART,
            Reason("body_malformed", "the body cannot be read: no JSON text (RFC 8259) near character 0"),
        ),
        (
            b"a=1",
            (*typed(b"application/x-www-form-urlencoded"), (b"describe", b"True")),
            Reason("header_forbidden", "the header describe makes the handler describe the model instead of infer"),
        ),
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
        (b'{"race":"a"}', "input:race", ["a"]),
        (b'{"row":[1,"a"]}', "input:row[1]", ["a"]),
        (b'{"row":[1,"a"]}', "input:row[2]", ()),
        (b'{"row":[1,"a"]}', "input:row", ()),
        (b'{"row":1}', "input:race", None),
        (b"[1]", "input:race", None),
    ],
)
def test_input_column(body: bytes, reader: str, values: object) -> None:
    assert TorchServe().input_column(read(body), FACTS, parse_reader(reader)) == values


@pytest.mark.parametrize(
    ("body", "reader", "values"),
    [
        (form(b'name="race"', b"a"), "input:race", ["a"]),
        (form(b'name="race"', b"a", b'name="race"', b"a"), "input:race", ()),
        (form(b'name="race"', b"a", b'name="race"', b"a"), "input:race[0]", ()),
        (form(b'name="race"; filename="x"', b"a"), "input:race", ()),
        (form(b'name="race"', b"a", b'name="data"', b'{"race":"b"}'), "input:race", ()),
        (form(b'name="data"', b'{"race":"b"}'), "input:race", ()),
        (form(b'name="age"', b"4"), "input:race", None),
    ],
)
def test_a_field_is_an_input(body: bytes, reader: str, values: object) -> None:
    assert TorchServe().input_column(read(body, MULTIPART), FACTS, parse_reader(reader)) == values


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
        (b" approve\n", {"label": "pointer:"}, Prediction(200, labels=("approve",))),
        (b"score 0.5", {"score": "first_number"}, Prediction(200, (0.5,))),
        (b'"score 0.5"', {"score": "first_number"}, Prediction(200, (0.5,))),
    ],
)
def test_read_prediction(answer: bytes, readers: dict[str, str], prediction: Prediction) -> None:
    assert predicted(answer, **readers) == prediction


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "no JSON text (RFC 8259) near character 0"),
        (b"approve", "score output:score: the answer has no such value"),
        (b" \n", "no JSON text (RFC 8259) near character 0"),
        (b'"approve', "no JSON text (RFC 8259) near character 8"),
        (b'{"n":0}{"n":1}', "no JSON text (RFC 8259) near character 7"),
        (b"\xc3\xa9", "no JSON text (RFC 8259) near character 0"),
        (b"x" * 257, "no JSON text (RFC 8259) near character 0"),
        (b'{"score":0.5,"score":0.9}', "an object has a key twice"),
        (b"[0.5]", "score output:score: the answer has no such value"),
        (b'{"score":[0.5,0.6]}', "score output:score: the answer has no such value"),
    ],
)
def test_read_prediction_refuses(answer: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(answer, score="output:score")
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


@pytest.mark.parametrize("protocol", [TorchServeV1(), TorchServeV2()])
def test_the_handler_takes_no_orders_on_other_protocols(protocol: V1 | V2) -> None:
    bodies = {
        "v1": b'{"instances":[1]}',
        "v2": b'{"inputs":[{"name":"a","datatype":"INT64","shape":[1],"data":[1]}]}',
    }
    endpoint = Endpoint(EndpointKind.INFER, protocol.name, "infer", "credit")

    def instances(headers: Headers) -> int:
        request = Request("POST", "/", headers, bodies[protocol.name])
        return protocol.read_request(endpoint, request, Facts("r", {}), Limits(1)).instances

    assert instances(JSON) == instances(typed(b"application/json; charset=utf-8")) == 1
    for name in (b"explain", b"describe"):
        with pytest.raises(Refused) as caught:
            instances((*JSON, (name, b"False")))
        assert [reason.code for reason in caught.value.reasons] == ["header_forbidden"]


def test_what_clients_see() -> None:
    call = read(b"{}")
    assert TorchServe().refusal_members("no") == {"message": "no"}
    assert TorchServe().render_fallback(call, [{"label": "deny"}]) == Response(200, JSON, b'{"label":"deny"}')
    assert TorchServe().render_fallback(call, []) is None
