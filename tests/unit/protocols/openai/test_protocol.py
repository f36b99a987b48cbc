from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Headers, Request, Response
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.openai.answer import fallback_response
from sidecar.protocols.openai.protocol import OpenAI

JSON: Headers = ((b"content-type", b"application/json"),)
FACTS = ModelFacts("m")
HELLO = [{"role": "user", "content": "hello"}]


def endpoint(operation: str, model: str | None = "m") -> Endpoint:
    return Endpoint(EndpointKind.INFER, "openai", operation, model)


def read(operation: str, *, default: str | None = None, headers: Headers = JSON, **body: object) -> Call:
    request = Request("POST", "/", headers, json.dumps(body).encode())
    return OpenAI().read_request(endpoint(operation, default), request, Facts("r", {}), Limits(4))


def chat(**body: object) -> Call:
    return read("chat", **{"model": "m", "messages": HELLO, **body})


@pytest.mark.parametrize(
    ("operation", "body", "call"),
    [
        ("chat", {"messages": HELLO}, Call(endpoint("chat"), 1, body={})),
        ("chat", {"messages": [], "stream": True}, Call(endpoint("chat"), 1, body={}, stream=True)),
        ("chat", {"messages": HELLO, "stream": False, "n": 3}, Call(endpoint("chat"), 1, body={})),
        ("chat", {"messages": HELLO, "stream": None, "metadata": None}, Call(endpoint("chat"), 1, body={})),
        (
            "chat",
            {
                "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"model": "x"}}}],
                "metadata": {"data_version": "v", "consent_scope": 2, "team": "a"},
            },
            Call(
                endpoint("chat"),
                1,
                {"data_version": ("v", "metadata:data_version"), "consent_scope": (2, "metadata:consent_scope")},
                {"data_version": "v", "consent_scope": 2, "team": "a"},
            ),
        ),
        # As for the model, the place of governed attributes is one.
        ("chat", {"messages": HELLO, "data_version": "v"}, Call(endpoint("chat"), 1, body={})),
        ("completion", {"prompt": ""}, Call(endpoint("completion"), 1, body={})),
        ("completion", {"prompt": [1, 2, 3, 4, 5]}, Call(endpoint("completion"), 1, body={})),
        ("completion", {"prompt": ["a", "b"], "stream": True}, Call(endpoint("completion"), 2, body={}, stream=True)),
        ("completion", {"prompt": [[1, 2], [3], []]}, Call(endpoint("completion"), 3, body={})),
        ("embedding", {"input": "a"}, Call(endpoint("embedding"), 1, body={})),
        ("embedding", {"input": ["a", "b", "c", "d"]}, Call(endpoint("embedding"), 4, body={})),
        ("embedding", {"input": [1, 2]}, Call(endpoint("embedding"), 1, body={})),
        ("embedding", {"input": [[1], [2]], "stream": True}, Call(endpoint("embedding"), 2, body={})),
    ],
)
def test_read_request(operation: str, body: dict[str, Any], call: Call) -> None:
    assert read(operation, model="m", **body) == call


@pytest.mark.parametrize(
    ("model", "default", "name"),
    [
        ("meta-llama/Llama-3.1-8B:adapter@1", None, "meta-llama/Llama-3.1-8B:adapter@1"),
        ("m" * 128, None, "m" * 128),
        ("named", "default", "named"),
        (None, "default", "default"),
    ],
)
def test_the_body_names_the_model(model: str | None, default: str | None, name: str) -> None:
    assert read("chat", default=default, model=model, messages=HELLO).endpoint.model == name


def test_a_body_without_a_model_means_the_default_one() -> None:
    assert read("chat", default="default", messages=HELLO).endpoint.model == "default"


NO_NAME = "model is not a name of 1 to 128 printable ASCII characters without spaces"
NO_TEXT = "is neither a string, nor an array of strings, of tokens, or of arrays of tokens"
ALIAS = "a member has a name that some servers take for one that is judged"


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("chat", {"model": None, "messages": HELLO}, NO_NAME),
        *(("chat", {"model": model, "messages": HELLO}, NO_NAME) for model in ("", "a b", "é", "m\n", "m" * 129, 1)),
        ("chat", {}, "messages is not an array of objects"),
        ("chat", {"messages": "hello"}, "messages is not an array of objects"),
        ("chat", {"messages": [HELLO, HELLO]}, "messages is not an array of objects"),
        *(("chat", {"messages": HELLO, "stream": value}, "stream is not a boolean") for value in (1, "true", [], 0)),
        ("completion", {"prompt": "a", "stream": "yes"}, "stream is not a boolean"),
        ("chat", {"messages": HELLO, "metadata": [1]}, "metadata is not an object"),
        ("completion", {"prompt": []}, "the request holds no instance"),
        *(
            ("completion", {"prompt": value}, f"prompt {NO_TEXT}")
            for value in (None, 1, {}, ["a", 1], [1, True], [[1], "a"], [["a"]], [[[1]]], [1.5])
        ),
        ("completion", {}, f"prompt {NO_TEXT}"),
        ("completion", {"prompt": "a", "prompt_embeds": ["AAAA"]}, "prompt_embeds is not taken; send prompt"),
        ("embedding", {"prompt": "a"}, f"input {NO_TEXT}"),
        ("embedding", {"input": "a", "messages": HELLO}, "messages is not taken for embeddings; send input"),
        # As Go's decoder folds names.
        *(("chat", {"messages": HELLO, name: "other"}, ALIAS) for name in ("Model", "MODEL", "\u017ftream")),
        ("completion", {"prompt": "a", "Prompt": ["a", "b"]}, ALIAS),
    ],
)
def test_read_request_refuses(operation: str, body: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused) as caught:
        read(operation, **{"model": "m", **body})
    assert caught.value.reasons == (Reason("body_malformed", message),)


def test_read_request_refuses_what_is_not_one_json_object() -> None:
    def codes(headers: Headers, body: bytes) -> list[str]:
        with pytest.raises(Refused) as caught:
            OpenAI().read_request(endpoint("chat"), Request("POST", "/", headers, body), Facts("r", {}), Limits(4))
        return [reason.code for reason in caught.value.reasons]

    good = b'{"model":"m","messages":[]}'
    assert codes((), good) == ["media_type_unsupported"]
    assert codes(((b"content-type", b"text/plain"),), good) == ["media_type_unsupported"]
    assert codes(JSON, b"[" + good + b"]") == ["body_malformed"]
    assert codes(JSON, b'{"model":"m","mod\\u0065l":"n","messages":[]}') == ["body_malformed"]


def test_too_many_instances_are_refused() -> None:
    with pytest.raises(Refused) as caught:
        read("embedding", model="m", input=["a"] * 5)
    assert caught.value.reasons == (Reason("instances_too_many", "5 instances; at most 4 pass"),)


@pytest.mark.parametrize(
    ("reader", "values"),
    [("input:team", ["a"]), ("input:row[1]", [2]), ("input:row", ()), ("input:model", None)],
)
def test_input_column_is_of_the_metadata(reader: str, values: object) -> None:
    call = chat(metadata={"team": "a", "row": [1, 2]})
    assert OpenAI().input_column(call, FACTS, parse_reader(reader)) == values


def test_refusals_have_openai_s_error_object() -> None:
    error = {"message": "no", "type": "policy_refusal", "param": None, "code": None}
    assert OpenAI().refusal_members("no") == {"error": error}


def test_answers_are_read_as_the_model_s_facts_say() -> None:
    facts = ModelFacts("m", read=ReadPlan(label=parse_reader("output:content")))
    whole = Response(200, (), b'{"choices":[{"index":0,"message":{"content":"approve"}}]}')
    stream = Response(200, (), b'data: {"choices":[{"index":0,"delta":{"content":"approve"}}]}\n\ndata: [DONE]\n\n')
    assert OpenAI().read_prediction(chat(), whole, facts) == Prediction(200, labels=("approve",))
    assert OpenAI().read_prediction(chat(stream=True), stream, facts) == Prediction(200, labels=("approve",))
    assert OpenAI().read_prediction(chat(stream=True), Response(429, (), b"{"), facts) == Prediction(429)
    assert OpenAI().read_prediction(chat(), Response(200, (), b"\xff"), FACTS) == Prediction(200)


def test_what_has_no_fallback() -> None:
    assert OpenAI().render_fallback(read("embedding", model="m", input="a"), ["refer"]) is None
    assert OpenAI().render_fallback(chat(), []) is None
    assert OpenAI().render_fallback(chat(), ["refer"]) == fallback_response(chat(), ["refer"])
