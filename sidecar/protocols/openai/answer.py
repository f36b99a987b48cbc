"""OpenAI's answers: reading a model's, whole or streamed, and making one of a fallback's entries.

`output:NAME` is a member of each choice or of its message: `output:content` (a completion's `text` too),
`output:finish_reason`; of embeddings it is a member of each item of `data`. `probability:LABEL` and `most_probable`
look into the JSON that the model wrote as its content ("structured output").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sidecar.model.facts import Place
from sidecar.protocols import sse, strict_json
from sidecar.protocols.bodies import json_response
from sidecar.protocols.openai.stream import assembled, streamed
from sidecar.protocols.reading import json_document
from sidecar.protocols.rows import ABSENT, cell, member
from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.facts import Reader, ReadPlan
    from sidecar.model.message import Response
    from sidecar.protocols.base import Call

CHAT, COMPLETION, EMBEDDING = "chat", "completion", "embedding"
"""The operations."""

_OBJECTS = {
    (CHAT, False): "chat.completion",
    (CHAT, True): "chat.completion.chunk",
    (COMPLETION, False): "text_completion",
    (COMPLETION, True): "text_completion",
}
"""An answer's `object`, by operation and whether it is streamed."""

_NO_USAGE = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


class Answer:
    """`reading.Outputs` over `choices` or, of embeddings, `data`."""

    def __init__(self, call: Call, plan: ReadPlan) -> None:
        self._stream = call.stream
        self._place = "data" if call.endpoint.operation == EMBEDDING else "choices"
        self._plan = plan

    def document(self, response: Response) -> object:
        """The answer; a stream that was asked for is read as one, whatever it says it is. Raises `Malformed`."""
        if any(reader is not None and reader.place is Place.FIRST_NUMBER for reader in self._readers()):
            raise Malformed("its first number would be a time; read with output:, pointer: or probability:")
        return assembled(response.body) if self._stream else json_document(response)

    def column(self, document: object, reader: Reader) -> Sequence[object]:
        """See `reading.Outputs.column`."""
        values = [cell(row, reader) for row in _rows(document, self._place)]
        if ABSENT in values:
            raise Malformed(f"{self._place} has no such value")
        return values

    def whole(self, document: object, reader: Reader) -> object:
        """See `reading.Outputs.whole`; null is no explanation."""
        values = [member(row, reader.name) for row in _rows(document, self._place)]
        return ABSENT if not values or ABSENT in values or None in values else values

    def maps(self, document: object) -> Sequence[object]:
        """What the model wrote as JSON, one a choice."""
        return [_written(row.get("content")) for row in _rows(document, self._place)]

    def _readers(self) -> Sequence[Reader | None]:
        return (self._plan.score, self._plan.label, self._plan.explanation, *self._plan.features.values())


def fallback_response(call: Call, outputs: Sequence[object]) -> Response:
    """A completion, or a stream where one was asked for. There is no clock here: `created` is 0."""
    operation = call.endpoint.operation
    choices = [_choice(operation, index, entry) for index, entry in enumerate(outputs)]
    answer: dict[str, object] = {
        "id": "fallback",
        "object": _OBJECTS[operation, call.stream],
        "created": 0,
        "model": call.endpoint.model,
    }
    if call.stream:
        return sse.response(streamed(answer, choices))
    return json_response({**answer, "choices": choices, "usage": _NO_USAGE})


def _rows(document: object, place: str) -> list[dict[str, object]]:
    """One row an instance, in the order of `index`: that of the inputs, which need not be that of the answer."""
    items = document.get(place) if is_object(document) else None
    if not is_array(items):
        raise Malformed(f"the answer has no {place}")
    by_index: dict[object, dict[str, object]] = {}
    for item in items:
        if not is_object(item) or type(item.get("index")) is not int:
            raise Malformed(f"{place} holds something without an index")
        by_index[item["index"]] = _row(item)
    if len(by_index) != len(items) or by_index.keys() != set(range(len(items))):
        raise Malformed(f"the indices of {place} are not 0, 1, and so on")
    return [by_index[index] for index in range(len(items))]


def _row(item: dict[str, object]) -> dict[str, object]:
    """An item's members together with those of its message."""
    message = item.get("message")
    if is_object(message):
        return {**message, **item}
    return {**item, "content": item["text"]} if "text" in item else item


def _written(content: object) -> object:
    if not isinstance(content, str):
        raise Malformed("a choice has no text")
    return strict_json.loads(content.encode())


def _choice(operation: str, index: int, entry: object) -> dict[str, object]:
    content = entry if isinstance(entry, str) else orjson.dumps(entry).decode()
    choice: dict[str, object] = {"index": index, "finish_reason": "stop", "logprobs": None}
    if operation == CHAT:
        return {**choice, "message": {"role": "assistant", "content": content}}
    return {**choice, "text": content}
