from __future__ import annotations

import struct
import tracemalloc
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
from sidecar.protocols.media import OCTETS, UNSAID
from sidecar.protocols.v2.binary import Framing
from sidecar.protocols.v2.datatypes import MAX_STRINGS
from sidecar.protocols.v2.protocol import V2
from sidecar.protocols.v2.tensors import read_tensor

ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "credit", "3")
JSON: Headers = ((b"content-type", b"application/json"),)
JSON_ALONE = V2()
TRITON = V2(Framing((b"application/json", UNSAID), (OCTETS, UNSAID), raw=True))
FACTS, UNBATCHED = ModelFacts("credit"), ModelFacts("credit", batch=False)


def tensor(name: str, shape: list[int], data: list[Any], **more: object) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": "FP64", "data": data, **more}


ROWS = tensor("rows", [2, 3], [1, 2, 3, 4, 5, 6])
RACE = tensor("race", [2], ["a", "b"], datatype="BYTES")


def read(
    body: object,
    facts: ModelFacts = FACTS,
    headers: Headers = JSON,
    protocol: V2 = JSON_ALONE,
    endpoint: Endpoint = ENDPOINT,
) -> Call:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    request = Request("POST", "/v2/models/credit/infer", headers, raw)
    return protocol.read_request(endpoint, request, Facts("r", {"credit": facts}), Limits(4))


def refusal(body: object, facts: ModelFacts = FACTS, headers: Headers = JSON, protocol: V2 = JSON_ALONE) -> Reason:
    with pytest.raises(Refused) as caught:
        read(body, facts, headers, protocol)
    (reason,) = caught.value.reasons
    return reason


@pytest.mark.parametrize(
    ("body", "facts", "instances", "parameters"),
    [
        ({"inputs": [ROWS]}, FACTS, 2, {}),
        ({"inputs": [RACE, ROWS], "outputs": [{"name": "score"}], "id": "1"}, FACTS, 2, {}),
        ({"inputs": [tensor("a", [1, 2], [[1, 2]])], "parameters": None, "outputs": None}, FACTS, 1, {}),
        ({"inputs": [tensor("a", [3], [1, 2, 3]), tensor("b", [2], [1, 2])]}, UNBATCHED, 1, {}),
        ({"inputs": [tensor("a", [], [1])]}, UNBATCHED, 1, {}),
        (
            {"inputs": [ROWS], "parameters": {"data_version": "v", "consent_scope": 1, "timeout": 5}},
            FACTS,
            2,
            {
                "data_version": ("v", "parameter:data_version"),
                "consent_scope": (1, "parameter:consent_scope"),
            },
        ),
        ({"inputs": [ROWS], "data_version": "ignored by every server"}, FACTS, 2, {}),
        (
            {"inputs": [tensor("a", [1], [1], parameters={"data_version": "v"})], "parameters": {}},
            FACTS,
            1,
            {"data_version": (None, "inputs[0].parameters.data_version")},
        ),
        (
            {
                "inputs": [tensor("a", [1], [1], parameters={"content_type": "np"})],
                "outputs": [{"name": "s", "parameters": {"consent_scope": "x", "binary_data": False}}],
                "parameters": {"consent_scope": "x"},
            },
            FACTS,
            1,
            {"consent_scope": (None, "outputs[0].parameters.consent_scope")},
        ),
    ],
)
def test_read_request(
    body: dict[str, Any], facts: ModelFacts, instances: int, parameters: dict[str, tuple[object, str]]
) -> None:
    inputs = {item["name"]: read_tensor(item) for item in body["inputs"]}
    assert read(body, facts) == Call(ENDPOINT, instances, parameters, inputs, id=body.get("id"))


def malformed(message: str) -> Reason:
    return Reason("body_malformed", message)


DISAGREE = malformed(
    "inputs differ in their leading dimension, the number of instances; "
    'a model that takes no batch has "batch": false in its facts'
)
NO_OWN_NAME = malformed("inputs[1].name is not a string of its own")


def binary(place: str) -> Reason:
    return Reason("media_type_unsupported", f"{place} asks for binary tensors; only JSON ones are taken")


def shared(place: str) -> Reason:
    return Reason("shared_memory_forbidden", f"{place} names a shared memory region")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", malformed("the body is empty")),
        ([], malformed("the body is not a JSON object")),
        ({}, malformed("inputs holds no tensor")),
        ({"inputs": []}, malformed("inputs holds no tensor")),
        ({"inputs": {}}, malformed("inputs is not an array")),
        ({"inputs": [1]}, malformed("inputs[0] is not an object")),
        ({"inputs": [ROWS], "outputs": {}}, malformed("outputs is not an array")),
        ({"inputs": [ROWS], "outputs": ["score"]}, malformed("outputs[0] is not an object")),
        ({"inputs": [ROWS], "parameters": []}, malformed("parameters is not an object")),
        ({"inputs": [{**ROWS, "parameters": 1}]}, malformed("inputs[0].parameters is not an object")),
        ({"inputs": [ROWS, ROWS]}, NO_OWN_NAME),
        ({"inputs": [ROWS, {**RACE, "name": 1}]}, NO_OWN_NAME),
        ({"inputs": [ROWS, {**RACE, "name": "race\0"}]}, NO_OWN_NAME),
        (
            {"inputs": [{"name": "a", "data": [1]}]},
            malformed("inputs[0]: shape is not an array of at most 32 dimensions"),
        ),
        (
            {"inputs": [RACE, tensor("a", [2], [1])]},
            malformed("inputs[1]: data has another number of elements than shape says"),
        ),
        ({"inputs": [tensor("a", [0], [])]}, malformed("the request holds no instance")),
        ({"inputs": [tensor("a", [], [1])]}, malformed("the request holds no instance")),
        ({"inputs": [tensor("a", [1], [1]), ROWS]}, DISAGREE),
        (
            {"inputs": [tensor("a", [5], [1, 2, 3, 4, 5])]},
            Reason("instances_too_many", "5 instances; at most 4 pass"),
        ),
        ({"inputs": [ROWS], "parameters": {"shared_memory_region": "r"}}, shared("parameters")),
        (
            {"inputs": [{"name": "a", "shape": [1], "parameters": {"shared_memory_region": "r"}}]},
            shared("inputs[0].parameters"),
        ),
        (
            {"inputs": [ROWS], "outputs": [{}, {"parameters": {"shared_memory_region": None}}]},
            shared("outputs[1].parameters"),
        ),
        ({"inputs": [ROWS], "parameters": {"binary_data_output": True}}, binary("parameters")),
        ({"inputs": [{**ROWS, "parameters": {"binary_data_size": 0}}]}, binary("inputs[0].parameters")),
        (
            {"inputs": [ROWS], "outputs": [{"parameters": {"binary_data": True}}]},
            binary("outputs[0].parameters"),
        ),
        (
            b'{"inputs":[{"name":"a","shape":[1],"data":[1],"da\\u0074a":[2]}]}',
            malformed("the body cannot be read: an object has a key twice"),
        ),
        (
            b'{"inputs":[],"parameters":{"data_version":"a","data\\u005fversion":"b"}}',
            malformed("the body cannot be read: an object has a key twice"),
        ),
    ],
)
def test_read_request_refuses(body: object, reason: Reason) -> None:
    assert refusal(body) == reason


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"content-type", b"text/plain"),),
        ((b"content-type", b"application/octet-stream"), (b"inference-header-content-length", b"0")),
        (*JSON, (b"inference-header-content-length", b"10")),
    ],
)
def test_read_request_takes_json_alone(headers: Headers) -> None:
    assert refusal({"inputs": [ROWS]}, headers=headers).code == "media_type_unsupported"


@pytest.mark.parametrize(
    ("reader", "values"),
    [
        ("input:race", ["a", "b"]),
        ("input:rows[2]", [3, 6]),
        ("input:rows", ()),
        ("input:rows[3]", ()),
        ("input:sex", None),
    ],
)
def test_input_column(reader: str, values: object) -> None:
    call = read({"inputs": [ROWS, RACE]})
    assert JSON_ALONE.input_column(call, FACTS, parse_reader(reader)) == values


def test_a_value_that_its_datatype_does_not_hold_is_none() -> None:
    call = read({"inputs": [tensor("age", [2], [44, 300], datatype="UINT8")]})
    assert JSON_ALONE.input_column(call, FACTS, parse_reader("input:age")) == ()


def test_a_model_without_batch_reads_its_one_row() -> None:
    call = read({"inputs": [tensor("row", [3], [7, 8, 9])]}, UNBATCHED)
    assert JSON_ALONE.input_column(call, UNBATCHED, parse_reader("input:row[1]")) == [8]


def plan(**readers: str) -> ReadPlan:
    return ReadPlan(**{name: parse_reader(text) for name, text in readers.items()})  # pyright: ignore


def predicted(outputs: object, read_plan: ReadPlan, *, batch: bool = True) -> Prediction:
    facts = ModelFacts("credit", batch=batch, read=read_plan)
    body = {"inputs": [RACE]} if batch else {"inputs": [tensor("a", [1], [1])]}
    response = Response(200, JSON, orjson.dumps({"model_name": "credit", "outputs": outputs}))
    return JSON_ALONE.read_prediction(read(body, facts), response, facts)


SCORE, LABEL = tensor("score", [2], [0.25, 1]), tensor("label", [2, 1], [["deny"], ["approve"]])
PAIRS = tensor("pairs", [2, 2], [[0.1, 0.9], [0.2, 0.8]], parameters=None)


@pytest.mark.parametrize(
    ("readers", "prediction"),
    [
        ({"score": "output:score", "label": "output:label"}, ((0.25, 1.0), ("deny", "approve"), None)),
        ({"score": "output:pairs[1]"}, ((0.9, 0.8), None, None)),
        ({"score": "pointer:/outputs/0/data"}, ((0.25, 1.0), None, None)),
        ({"explanation": "output:pairs"}, (None, None, PAIRS["data"])),
        ({"explanation": "pointer:/model_name"}, (None, None, "credit")),
        ({"explanation": "output:shap"}, (None, None, None)),
    ],
)
def test_read_prediction(readers: dict[str, str], prediction: tuple[Any, Any, Any]) -> None:
    scores, labels, explanation = prediction
    assert predicted([SCORE, LABEL, PAIRS], plan(**readers)) == Prediction(200, scores, labels, None, explanation)


def test_read_prediction_of_a_model_without_batch() -> None:
    assert predicted([tensor("p", [2], [0.1, 0.9])], plan(score="output:p[1]"), batch=False) == Prediction(200, (0.9,))


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([LABEL], "score output:score: the answer has no such output"),
        (None, "score output:score: the answer has no such output"),
        ([SCORE, SCORE], "score output:score: outputs holds it twice"),
        (
            [tensor("score", [1], [0.5])],
            "score output:score: the shape is not [n] or [n,k] for n instances",
        ),
        (
            [{"name": "score", "shape": [2]}],
            "score output:score: data is not an array",
        ),
        (
            [tensor("score", [2, 2], [0, 0, 0, 0])],
            "score output:score: a row does not hold one value; name its column, as in NAME[0]",
        ),
        ([tensor("score", [2], [0.5, None])], "score output:score is not a number"),
        ([tensor("score", [2], [0.5, True])], "score output:score is not a number"),
        ([tensor("score", [2], [0.5, "0.5"])], "score output:score is not a number"),
    ],
)
def test_read_prediction_refuses(outputs: object, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(outputs, plan(score="output:score"))
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


def test_refusal_members() -> None:
    assert JSON_ALONE.refusal_members("no") == {"error": "no"}


def test_render_fallback() -> None:
    call = read({"id": "i7", "inputs": [RACE]})
    rows = [
        {"label": "deny", "score": 0, "ok": True, "n": 1},
        {"label": "x", "score": 0.5, "ok": False, "n": 2},
    ]
    response = JSON_ALONE.render_fallback(call, rows)
    assert response is not None
    assert (response.status, response.headers) == (200, JSON)
    assert orjson.loads(response.body) == {
        "model_name": "credit",
        "model_version": "3",
        "id": "i7",
        "outputs": [
            {"name": "label", "shape": [2], "datatype": "BYTES", "data": ["deny", "x"]},
            {"name": "score", "shape": [2], "datatype": "FP64", "data": [0, 0.5]},
            {"name": "ok", "shape": [2], "datatype": "BOOL", "data": [True, False]},
            {"name": "n", "shape": [2], "datatype": "INT64", "data": [1, 2]},
        ],
    }


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"a": 1}],
        [{"a": 1}, {"b": 1}],
        [{"a": 1}, 1],
        [1, 2],
        [{"a": None}, {"a": None}],
        [{"a": "x"}, {"a": 1}],
        [{"a": [1]}, {"a": [2]}],
    ],
)
def test_render_fallback_of_what_no_tensor_can_say(rows: list[object]) -> None:
    assert JSON_ALONE.render_fallback(read({"inputs": [RACE]}), rows) is None


def octets(head: object, *tails: bytes) -> tuple[bytes, Headers]:
    """A body of a JSON head and its tails, and the headers that say so."""
    written = orjson.dumps(head)
    length = str(len(written)).encode()
    return b"".join((written, *tails)), ((b"content-type", OCTETS), (b"inference-header-content-length", length))


def binary_tensor(name: str, shape: list[int], datatype: str, size: int) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "parameters": {"binary_data_size": size}}


AGES = struct.pack("<4f", 1, 51, 2, 17)
MIXED: list[dict[str, Any]] = [binary_tensor("rows", [2, 2], "FP32", 16), RACE, binary_tensor("sex", [2], "BYTES", 11)]
SEXES = b"\1\0\0\0f\2\0\0\0nb"


def test_binary_inputs() -> None:
    head = {"inputs": MIXED, "parameters": {"data_version": "v", "binary_data_output": True}, "id": "i"}
    body, headers = octets(head, AGES, SEXES)
    call = read(body, headers=headers, protocol=TRITON)
    inputs = {
        "rows": read_tensor(MIXED[0], memoryview(AGES)),
        "race": read_tensor(RACE),
        "sex": read_tensor(MIXED[2], memoryview(SEXES)),
    }
    assert call == Call(ENDPOINT, 2, {"data_version": ("v", "parameter:data_version")}, inputs, id="i")
    columns = [
        TRITON.input_column(call, FACTS, parse_reader(f"input:{name}")) for name in ("rows[1]", "race", "sex", "rows")
    ]
    assert columns == [[51.0, 17.0], ["a", "b"], ["f", "nb"], ()]


def test_a_server_of_binary_tensors_takes_json_too() -> None:
    body = {"inputs": [RACE], "outputs": [{"name": "s", "parameters": {"binary_data": True}}]}
    assert read(body, protocol=TRITON).instances == 2
    assert read(body, headers=(), protocol=TRITON).instances == 2


@pytest.mark.parametrize(
    ("inputs", "tails", "message"),
    [
        (
            [binary_tensor("a", [1], "FP32", 4)],
            b"\0" * 5,
            "inputs: binary_data_size: all of them together are not the length of what follows the JSON head",
        ),
        (
            [binary_tensor("a", [1], "FP32", 8)],
            b"\0" * 8,
            "inputs[0]: binary_data_size is not what shape and datatype make",
        ),
        (
            [RACE, {**binary_tensor("a", [1], "FP32", 4), "data": [1]}],
            b"\0" * 4,
            "inputs: a tensor has both data and binary_data_size",
        ),
        ([RACE, {"name": "a", "shape": [2], "datatype": "FP32"}], b"", "inputs[1]: data is not an array"),
        (
            [{**RACE, "parameters": {"binary_data": True}}],
            b"",
            "inputs[0].parameters.binary_data means nothing there",
        ),
    ],
)
def test_binary_inputs_refused(inputs: list[dict[str, Any]], tails: bytes, message: str) -> None:
    body, headers = octets({"inputs": inputs}, tails)
    assert refusal(body, headers=headers, protocol=TRITON) == malformed(message)


def test_a_size_without_a_tail_is_refused() -> None:
    body = {"inputs": [binary_tensor("a", [1], "FP32", 4)]}
    assert refusal(body, protocol=TRITON) == malformed(
        "inputs: binary_data_size: all of them together are not the length of what follows the JSON head"
    )


def test_binary_strings_are_bounded_in_all_inputs_together() -> None:
    half = MAX_STRINGS // 2 + 1
    inputs = [binary_tensor(name, [1, half], "BYTES", 4 * half) for name in "ab"]
    body, headers = octets({"inputs": inputs}, bytes(8 * half))
    assert refusal(body, headers=headers, protocol=TRITON) == malformed("inputs hold more than 262144 binary strings")


RAW: Headers = ((b"inference-header-content-length", b"0"),)


def test_raw_input_is_one_instance_of_which_nothing_is_read() -> None:
    call = read(b'{"inputs":[1234}', UNBATCHED, RAW, TRITON)
    assert call == Call(ENDPOINT, 1)
    assert TRITON.input_column(call, UNBATCHED, parse_reader("input:a")) == ()


def test_raw_input_of_a_model_that_takes_batches_is_refused() -> None:
    assert refusal(b"\0" * 24, FACTS, RAW, TRITON) == Reason(
        "media_type_unsupported",
        "raw input says nothing of its rows: it is taken for a model that takes no batch, "
        'with "batch": false in its facts',
    )


def test_a_binary_body_is_not_copied() -> None:
    size = 16 * 1024 * 1024
    head = orjson.dumps({"inputs": [binary_tensor("a", [2, size // 8], "FP32", size)]})
    body = bytearray(head) + bytes(size)
    headers: Headers = ((b"inference-header-content-length", str(len(head)).encode()),)
    request = Request("POST", "/", headers, body)
    tracemalloc.start()
    try:
        call = TRITON.read_request(ENDPOINT, request, Facts("r", {"credit": FACTS}), Limits())
        column = TRITON.input_column(call, FACTS, parse_reader("input:a[7]"))
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert column == [0.0, 0.0]
    assert peak_bytes < 64 * 1024


@pytest.mark.parametrize("operation", ["infer", "generate", "infer_stream", "generate_stream"])
def test_the_operation_says_whether_the_answer_is_a_stream(operation: str) -> None:
    endpoint = Endpoint(EndpointKind.INFER, "v2", operation, "credit", "3")
    assert read({"inputs": [RACE]}, endpoint=endpoint).stream == operation.endswith("_stream")


def test_a_server_may_have_v2_under_another_name() -> None:
    assert (JSON_ALONE.name, V2(name="sagemaker").name) == ("v2", "sagemaker")
