from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import ReadPlan, parse_reader
from sidecar.model.message import Headers, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols import reading
from sidecar.protocols.base import Call
from sidecar.protocols.openai.answer import CHAT, COMPLETION, EMBEDDING, Answer, fallback_response

JSON: Headers = ((b"content-type", b"application/json"),)
EVENTS: Headers = ((b"content-type", b"text/event-stream; charset=utf-8"),)


def call(operation: str = CHAT, instances: int = 1, *, stream: bool = False) -> Call:
    return Call(Endpoint(EndpointKind.INFER, "openai", operation, "m"), instances, stream=stream)


def predicted(call: Call, answer: bytes, **readers: str) -> Prediction:
    parsed: dict[str, Any] = {name: parse_reader(text) for name, text in readers.items()}
    plan = ReadPlan(**parsed)
    made = Answer(call, plan)
    response = Response(200, (), answer)
    return reading.read_prediction(call, response, plan, made, document_of=made.document, maps_of=made.maps)


def answered(*choices: dict[str, object], place: str = "choices") -> bytes:
    return json.dumps({"created": 1_795_300_000, place: choices}).encode()


def said(index: int, content: object, **message: object) -> dict[str, object]:
    spoken = {"role": "assistant", "content": content, **message}
    return {"index": index, "finish_reason": "stop", "message": spoken}


def test_a_chat_answer_is_read() -> None:
    choice = {**said(0, "approve", reasoning_content="since"), "logprobs": {"content": [{"logprob": -0.5}]}}
    readers = {
        "label": "output:content",
        "score": "pointer:/choices/0/logprobs/content/0/logprob",
        "explanation": "output:reasoning_content",
    }
    assert predicted(call(), answered(choice), **readers) == Prediction(
        200, scores=(-0.5,), labels=("approve",), explanation=["since"]
    )
    assert predicted(call(), answered(choice), label="output:finish_reason") == Prediction(200, labels=("stop",))


def test_answers_are_aligned_by_index() -> None:
    asked = call(COMPLETION, 2)
    answer = answered({"index": 1, "text": "second"}, {"index": 0, "text": "first"})
    assert predicted(asked, answer, label="output:content") == Prediction(200, labels=("first", "second"))
    assert predicted(asked, answer, label="output:text") == Prediction(200, labels=("first", "second"))
    asked = call(EMBEDDING, 2)
    answer = answered({"index": 1, "embedding": [3.0, 4.0]}, {"index": 0, "embedding": [1.0, 2.0]}, place="data")
    assert predicted(asked, answer, score="output:embedding[1]") == Prediction(200, scores=(2.0, 4.0))


def test_structured_output_is_read() -> None:
    answer = answered(said(0, '{"approve": 0.9, "deny": 0.1}'))
    read = {"score": "probability:approve", "label": "most_probable"}
    assert predicted(call(), answer, **read) == Prediction(200, scores=(0.9,), labels=("approve",))
    asked = call(COMPLETION, 2)
    answer = answered({"index": 1, "text": '{"b":1}'}, {"index": 0, "text": '{"a":1}'})
    assert predicted(asked, answer, label="most_probable") == Prediction(200, labels=("a", "b"))


def test_a_choice_is_not_renamed_by_its_message() -> None:
    answer = answered(said(0, "a", finish_reason="length"))
    assert predicted(call(), answer, label="output:finish_reason") == Prediction(200, labels=("stop",))


def test_no_explanation_is_none() -> None:
    assert predicted(call(), answered(said(0, None)), explanation="output:content") == Prediction(200)
    assert predicted(call(), answered(), explanation="output:content") == Prediction(200)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (answered(said(0, "a"), said(1, "b")), "label output:content: 2 values for 1 instances"),
        (answered(), "label output:content: 0 values for 1 instances"),
        (answered({"index": 0}), "label output:content: choices has no such value"),
        (answered(said(0, None)), "label output:content is neither string nor integer nor boolean"),
        (answered(said(1, "a")), "label output:content: the indices of choices are not 0, 1, and so on"),
        (answered(said(0, "a"), said(0, "b")), "label output:content: the indices of choices are not 0, 1, and so on"),
        (answered({"message": {"content": "a"}}), "label output:content: choices holds something without an index"),
        (b'{"error":{}}', "label output:content: the answer has no choices"),
        (b'{"choices":[1]}', "label output:content: choices holds something without an index"),
        (b"data: [DONE]\n\n", "no JSON text (RFC 8259) near character 0"),
    ],
)
def test_read_prediction_refuses(answer: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(call(), answer, label="output:content")
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


@pytest.mark.parametrize(
    ("reader", "answer", "message"),
    [
        (
            "first_number",
            answered(said(0, "0.5")),
            "its first number would be a time; read with output:, pointer: or probability:",
        ),
        ("probability:a", answered(said(0, None)), "score probability:a: a choice has no text"),
        (
            "probability:a",
            answered(said(0, "approve")),
            "score probability:a: no JSON text (RFC 8259) near character 0",
        ),
        ("probability:a", answered(said(0, '{"a":1,"a":0}')), "score probability:a: an object has a key twice"),
        ("probability:a", answered(said(0, '{"b":1}')), "score probability:a: the map has no such label"),
    ],
)
def test_what_is_no_score(reader: str, answer: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(call(), answer, score=reader)
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


STREAM = b"""\
data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}

data: {"choices":[{"index":0,"delta":{"content":"appr"}}]}

data: {"choices":[{"index":0,"delta":{"content":"ove"},"finish_reason":"stop"}]}

data: [DONE]

"""


def test_a_stream_that_was_asked_for_is_read_as_a_whole() -> None:
    assert predicted(call(stream=True), STREAM, label="output:content") == Prediction(200, labels=("approve",))


@pytest.mark.parametrize(
    ("stream", "answer", "message"),
    [
        (True, STREAM.partition(b"data: [DONE]")[0], "the stream does not end with [DONE]"),
        (True, answered(said(0, "a")), "the stream ends in the middle of a line"),
        (False, STREAM, "no JSON text (RFC 8259) near character 0"),
    ],
)
def test_an_answer_is_of_the_kind_that_was_asked_for(stream: bool, answer: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        predicted(call(stream=stream), answer, label="output:content")
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {message}"),)


NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def test_a_fallback_is_a_completion() -> None:
    assert fallback_response(call(), [{"label": "refer"}]) == Response(
        200,
        JSON,
        json.dumps(
            {
                "id": "fallback",
                "object": "chat.completion",
                "created": 0,
                "model": "m",
                "choices": [
                    {
                        "index": 0,
                        "finish_reason": "stop",
                        "logprobs": None,
                        "message": {"role": "assistant", "content": '{"label":"refer"}'},
                    }
                ],
                "usage": NO_USAGE,
            },
            separators=(",", ":"),
        ).encode(),
    )
    asked = call(COMPLETION, 2)
    response = fallback_response(asked, ["one", "two"])
    answer = json.loads(response.body)
    assert (answer["object"], answer["choices"]) == (
        "text_completion",
        [
            {"index": 0, "finish_reason": "stop", "logprobs": None, "text": "one"},
            {"index": 1, "finish_reason": "stop", "logprobs": None, "text": "two"},
        ],
    )


def test_a_fallback_for_a_stream_is_a_stream() -> None:
    response = fallback_response(call(stream=True), ["refer"])
    part = (
        '{"id":"fallback","object":"chat.completion.chunk","created":0,"model":"m","choices":[{"index":0,'
        '"finish_reason":"stop","logprobs":null,"delta":{"role":"assistant","content":"refer"}}]}'
    )
    assert response == Response(200, EVENTS, f"data: {part}\n\ndata: [DONE]\n\n".encode())
