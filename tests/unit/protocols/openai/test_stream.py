from __future__ import annotations

import json

import pytest

from sidecar.protocols.openai.stream import assembled, streamed
from sidecar.protocols.strict_json import Malformed


def stream(*parts: object, end: str = "data: [DONE]\n\n") -> bytes:
    return ("".join(f"data: {json.dumps(part)}\n\n" for part in parts) + end).encode()


def part(*choices: dict[str, object], **members: object) -> dict[str, object]:
    return {"choices": list(choices), **members}


def delta(index: int, finish_reason: str | None = None, **members: object) -> dict[str, object]:
    return {"index": index, "delta": members, "finish_reason": finish_reason}


def test_a_chat_as_vllm_streams_it() -> None:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
    body = stream(
        part({**delta(0, role="assistant", content=""), "logprobs": None}, **head, usage=None),
        part({**delta(0, content="ap"), "logprobs": {"content": [{"token": "ap", "logprob": -0.1}]}}, **head),
        part({**delta(0, content=None), "logprobs": {"content": [{"token": "prove", "logprob": -0.2}]}}, **head),
        part(delta(0, "stop", content="prove"), **head, usage=None),
        part(**head, usage={"total_tokens": 9}),
    )
    assert assembled(body) == {
        **head,
        "usage": {"total_tokens": 9},
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "approve"},
                "finish_reason": "stop",
                "logprobs": {"content": [{"token": "ap", "logprob": -0.1}, {"token": "prove", "logprob": -0.2}]},
            }
        ],
    }


def test_tool_calls_are_added_up_by_index() -> None:
    def called(index: int, **members: object) -> dict[str, object]:
        return delta(0, tool_calls=[{"index": index, **members}])

    body = stream(
        part(called(1, id="b", type="function", function={"name": "g", "arguments": ""})),
        part(called(0, id="a", type="function", function={"name": "f", "arguments": '{"x"'})),
        part(called(1, function={"arguments": "{}"})),
        part(called(0, id="a", type="function", function={"arguments": ":1}"})),
        part(delta(0, "tool_calls")),
    )
    assert assembled(body)["choices"] == [
        {
            "index": 0,
            "finish_reason": "tool_calls",
            "message": {
                "tool_calls": [
                    {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
                    {"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
                ]
            },
        }
    ]


def test_completions_of_several_prompts() -> None:
    body = stream(
        part({"index": 1, "text": "c"}, {"index": 0, "text": "a"}),
        part({"index": 0, "text": "b", "logprobs": {"tokens": ["b"]}, "finish_reason": "length"}),
        part({"index": 1, "text": "d", "finish_reason": "stop", "stop_reason": 7}),
    )
    assert assembled(body) == {
        "choices": [
            {"index": 0, "text": "ab", "logprobs": {"tokens": ["b"]}, "finish_reason": "length"},
            {"index": 1, "text": "cd", "finish_reason": "stop", "stop_reason": 7},
        ]
    }


def test_a_part_may_hold_no_choice() -> None:
    assert assembled(stream()) == {"choices": []}
    assert assembled(stream(part(error=None, id="1"))) == {"choices": [], "id": "1"}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the stream does not end with [DONE]"),
        (stream(part(delta(0, "stop", content="a")), end=""), "the stream does not end with [DONE]"),
        (stream(end="data: [DONE] \n\n"), "the stream does not end with [DONE]"),
        (stream(end="data: [DONE]\n"), "the stream ends in the middle of an event"),
        (stream() + stream(), "no JSON text (RFC 8259) near character 1"),
        (stream("a"), "an event of the stream is no object"),
        (stream({"error": {"message": "out of memory"}}), "the stream tells of an error"),
        (stream({"id": "1"}), "an event of the stream has no choices"),
        (stream({"choices": {}}), "an event of the stream has no choices"),
        (b'data: {"choices":[],"choices":[]}\n\ndata: [DONE]\n\n', "an object has a key twice"),
        (
            stream(part({**delta(0, content="deny"), "message": {"content": "approve"}})),
            "a choice of the stream has a message: clients read its delta",
        ),
        (stream({"choices": ["a"]}), "a choice of the stream is no object"),
        (stream(part({"index": -1})), "an index in the stream is no integer from 0"),
        (stream(part({"index": True})), "an index in the stream is no integer from 0"),
        (stream(part({"index": 0}), part({"text": "a"})), "an array of the stream has items with index and without"),
        (stream(part(delta(0, content="a")), part(delta(0, content=["b"]))), "a member of the stream changes its type"),
        (stream(part(delta(0, content=["b"])), part(delta(0, content="a"))), "a member of the stream changes its type"),
        (stream(part(delta(0, x={})), part(delta(0, x=1))), "a member of the stream changes its type"),
        (stream(part(delta(0, x=1)), part(delta(0, x=[]))), "a member of the stream changes its type"),
    ],
)
def test_what_does_not_add_up(body: bytes, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        assembled(body)
    assert str(caught.value) == message


def test_many_parts_of_one_text_are_joined_once() -> None:
    texts = [f"{number} " * 50 for number in range(20_000)]
    answer = assembled(stream(*(part({"index": 0, "text": text}) for text in texts)))
    assert answer == {"choices": [{"index": 0, "text": "".join(texts)}]}


def test_an_answer_is_streamed_in_one_part() -> None:
    choice: dict[str, object] = {"index": 0, "message": {"role": "assistant", "content": "a"}, "finish_reason": "stop"}
    body = streamed({"id": "1"}, [choice])
    assert body == (
        b'data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":"stop"}]}'
        b"\n\ndata: [DONE]\n\n"
    )
    assert assembled(body) == {"id": "1", "choices": [choice]}
