"""However a stream is cut into events and parts, it is the same answer; and whatever comes is read or refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Request, Response
from sidecar.model.reasons import ReasonClass, kind_of
from sidecar.model.refusal import Refused
from sidecar.protocols import sse
from sidecar.protocols.base import Call, Limits
from sidecar.protocols.openai.answer import CHAT, COMPLETION, EMBEDDING
from sidecar.protocols.openai.protocol import OpenAI
from sidecar.protocols.openai.stream import assembled
from sidecar.protocols.strict_json import Malformed

if TYPE_CHECKING:
    from sidecar.model.prediction import Prediction

JSON_TYPE = (b"content-type", b"application/json")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
DONE = b"data: [DONE]\n\n"


@st.composite
def pieces(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def streams(draw: st.DrawFn, texts: list[str]) -> bytes:
    """One choice a text: pieces in order, choices interleaved, some in one event, some members null."""
    waiting = [[{"role": "assistant"}, *({"content": piece} for piece in draw(pieces(text)))] for text in texts]
    order = draw(st.permutations([index for index, deltas in enumerate(waiting) for _ in deltas]))
    parts: list[dict[str, Any]] = []
    for index in order:
        choice = {"index": index, "delta": {"refusal": None, **waiting[index].pop(0)}, "finish_reason": None}
        if parts and draw(st.booleans()):
            parts[-1]["choices"].append(choice)
        else:
            parts.append({"id": "1", "choices": [choice], "usage": None})
    ends = draw(st.permutations(range(len(texts))))
    parts += [{"choices": [{"index": index, "delta": {}, "finish_reason": "stop"}]} for index in ends]
    return b"".join(f"data: {json.dumps(part)}\n\n".encode() for part in parts) + DONE


TEXTS = st.lists(TEXT, min_size=1, max_size=3)
STREAMS = TEXTS.flatmap(lambda texts: st.tuples(st.just(texts), streams(texts)))


@given(STREAMS)
def test_any_split_and_order_of_deltas_is_the_same_answer(case: tuple[list[str], bytes]) -> None:
    texts, body = case
    assert assembled(body) == {
        "id": "1",
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "finish_reason": "stop",
            }
            for index, text in enumerate(texts)
        ],
    }


@given(STREAMS, st.data())
def test_a_stream_that_was_cut_off_is_no_answer(case: tuple[list[str], bytes], data: st.DataObject) -> None:
    _, body = case
    with pytest.raises(Malformed):
        assembled(body[: data.draw(st.integers(0, len(body) - 1))])


ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
BETWEEN = st.sampled_from([b"", b": ping", b"id: 7", b"retry: 5", b"event: message", b"event"])
LINES = TEXT.map(lambda text: text.replace("\n", "").replace("\r", "").encode())


@given(st.data(), st.lists(st.lists(LINES, min_size=1, max_size=3), max_size=4))
def test_the_writing_of_a_stream_does_not_matter(data: st.DataObject, texts: list[list[bytes]]) -> None:
    lines: list[bytes] = []
    for text in texts:
        for line in text:
            before = data.draw(BETWEEN)
            lines += [*([before] if before else []), b"data: " + line]
        lines.append(b"")
    # CR, then LF of an empty line, would be one end: so all lines of a body end alike.
    end = data.draw(ENDS)
    assert sse.events(b"".join(line + end for line in lines)) == [b"\n".join(text) for text in texts]


FRAGMENTS = st.lists(
    st.sampled_from([b"data", b":", b" ", b"\n", b"\r", b"a", b"event", b"id: 1", b"\xef\xbb\xbf", b"\xff", b"\x00"]),
    max_size=14,
).map(b"".join)


@given(FRAGMENTS | st.binary(max_size=40), FRAGMENTS)
def test_events_do_not_depend_on_what_comes_after_them(first: bytes, second: bytes) -> None:
    try:
        separate = [*sse.events(first), *sse.events(second)]
    except Malformed:
        return
    assert sse.events(first + second) == separate


SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.floats(0, 1) | TEXT
REQUESTS = ("model", "messages", "prompt", "input", "stream", "metadata", "data_version")
ANSWERS = ("choices", "data", "error", "index", "delta", "message", "content", "text")
NAMES = st.sampled_from([*REQUESTS, *ANSWERS])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=16
)
BODIES = VALUES | st.fixed_dictionaries(
    {"model": st.just("m") | VALUES, "messages": st.just([]), "prompt": st.just("a") | VALUES, "input": VALUES},
    optional={"stream": st.booleans() | VALUES, "metadata": VALUES},
)
FACTS = ModelFacts(
    "m",
    read=ReadPlan(
        label=parse_reader("output:content"),
        explanation=parse_reader("output:message"),
        features={"x": parse_reader("input:x")},
    ),
)


def attempt(action: Any) -> tuple[Any, set[str]]:
    try:
        return action(), set()
    except Refused as refusal:
        return None, {reason.code for reason in refusal.reasons}


def read(operation: str, body: object) -> Call | None:
    endpoint = Endpoint(EndpointKind.INFER, "openai", operation)
    request = Request("POST", "/", (JSON_TYPE,), json.dumps(body).encode())
    call, codes = attempt(lambda: OpenAI().read_request(endpoint, request, Facts("r", {}), Limits(8)))
    assert all(kind_of(code).group is ReasonClass.CLIENT for code in codes)
    return call


@given(st.sampled_from([CHAT, COMPLETION, EMBEDDING]), BODIES)
def test_any_body_is_read_or_refused(operation: str, body: Any) -> None:
    call = read(operation, body)
    if call is None:
        return
    assert 1 <= call.instances <= 8
    assert call.endpoint.model == body["model"]
    assert call.stream is (operation != EMBEDDING and body.get("stream") is True)


@given(st.sampled_from([CHAT, COMPLETION, EMBEDDING]), st.booleans(), BODIES | st.lists(BODIES, max_size=3))
def test_any_answer_is_read_or_refused(operation: str, stream: bool, answer: object) -> None:
    call = Call(Endpoint(EndpointKind.INFER, "openai", operation, "m"), 1, stream=stream)
    whole = json.dumps(answer).encode()
    parts = answer if isinstance(answer, list) else [answer]
    body = b"".join(sse.event(json.dumps(part).encode()) for part in parts) + DONE if stream else whole
    prediction, codes = attempt(lambda: OpenAI().read_prediction(call, Response(200, (), body), FACTS))
    assert codes <= {"prediction_unreadable"}
    assert prediction is None or len(prediction.labels) == 1


@given(st.sampled_from([CHAT, COMPLETION]), TEXTS)
def test_streams_and_answers_are_read_alike(operation: str, texts: list[str]) -> None:
    def labels(stream: bool) -> tuple[str, ...] | None:
        call = Call(Endpoint(EndpointKind.INFER, "openai", operation, "m"), len(texts), stream=stream)
        response = OpenAI().render_fallback(call, texts)
        assert response is not None
        prediction: Prediction = OpenAI().read_prediction(call, response, ModelFacts("m", read=ReadPlan(label=LABEL)))
        return prediction.labels

    assert labels(stream=True) == labels(stream=False) == tuple(texts)


LABEL = parse_reader("output:content")
