"""A streamed completion as the one answer that it adds up to, so that streams and answers are read alike.

It adds up as in OpenAI's own clients: choices and tool calls by their `index`, texts one behind the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import orjson

from sidecar.protocols import sse, strict_json
from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.model.message import Body

DONE = b"[DONE]"

_SAID_ONCE = frozenset(("index", "type", "role", "id", "finish_reason", "stop_reason"))
"""Members that are words, not texts: said again, they are not appended."""


def assembled(body: Body) -> dict[str, object]:
    """The answer: `message` where the stream's parts have `delta`.

    Raises `Malformed`, also where the stream does not end with `[DONE]`: it was cut off.
    """
    events = sse.events(body)
    if not events or events.pop() != DONE:
        raise Malformed("the stream does not end with [DONE]")
    answer: dict[str, object] = {}
    choices = _Array()
    for data in events:
        part = _part(data)
        choices.add(part.pop("choices"))
        answer |= {name: value for name, value in part.items() if value is not None}
    return {**answer, "choices": [_choice(choice) for choice in choices.whole()]}


def streamed(answer: dict[str, object], choices: Sequence[Mapping[str, object]]) -> bytes:
    """An answer of these choices as a stream of one part; `assembled` makes the answer of it again."""
    part = {**answer, "choices": [_renamed(choice, "message", "delta") for choice in choices]}
    return sse.event(orjson.dumps(part)) + sse.event(DONE)


def _part(data: bytes) -> dict[str, object]:
    part = strict_json.loads(data)
    if not is_object(part):
        raise Malformed("an event of the stream is no object")
    # As OpenAI's client tells it: the status was sent before the error was known.
    if part.get("error"):
        raise Malformed("the stream tells of an error")
    if not is_array(part.get("choices")):
        raise Malformed("an event of the stream has no choices")
    return part


def _choice(choice: object) -> object:
    if not is_object(choice):
        raise Malformed("a choice of the stream is no object")
    if "message" in choice:
        raise Malformed("a choice of the stream has a message: clients read its delta")
    return _renamed(choice, "delta", "message")


def _renamed(choice: Mapping[str, object], old: str, new: str) -> dict[str, object]:
    return {new if name == old else name: value for name, value in choice.items()}


class _Sum(Protocol):
    """What the values of one member add up to."""

    def add(self, value: object) -> None:
        """Raises `Malformed` where the value is of another kind than those before it."""
        ...

    def whole(self) -> object: ...


def _sum_of(name: str, first: object) -> _Sum:
    """An empty sum for values like the first."""
    if is_object(first):
        return _Object()
    if is_array(first):
        return _Array()
    return _Text() if isinstance(first, str) and name not in _SAID_ONCE else _Word()


class _Text:
    """Joined at the end: to append each part to the text so far would cost the square of its length."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    def add(self, value: object) -> None:
        if not isinstance(value, str):
            raise _changed()
        self._parts.append(value)

    def whole(self) -> object:
        return "".join(self._parts)


class _Word:
    """Of a word or number, the last that was said."""

    def __init__(self) -> None:
        self._value: object = None

    def add(self, value: object) -> None:
        if is_array(value) or is_object(value):
            raise _changed()
        self._value = value

    def whole(self) -> object:
        return self._value


class _Object:
    """Member by member; null adds nothing."""

    def __init__(self) -> None:
        self._members: dict[str, _Sum | None] = {}

    def add(self, value: object) -> None:
        if not is_object(value):
            raise _changed()
        for name, member in value.items():
            known = self._members.setdefault(name, None)
            if member is None:
                continue
            if known is None:
                known = self._members[name] = _sum_of(name, member)
            known.add(member)

    def whole(self) -> object:
        return {name: None if member is None else member.whole() for name, member in self._members.items()}


class _Array:
    """Objects that say their `index` are added up under it; whatever else comes is appended."""

    def __init__(self) -> None:
        self._indexed: dict[int, _Object] = {}
        self._appended: list[object] = []

    def add(self, value: object) -> None:
        if not is_array(value):
            raise _changed()
        for item in value:
            if not is_object(item) or "index" not in item:
                self._appended.append(item)
                continue
            index = item["index"]
            if type(index) is not int or index < 0:
                raise Malformed("an index in the stream is no integer from 0")
            self._indexed.setdefault(index, _Object()).add(item)

    def whole(self) -> list[object]:
        if self._indexed and self._appended:
            raise Malformed("an array of the stream has items with index and without")
        return self._appended or [self._indexed[index].whole() for index in sorted(self._indexed)]


def _changed() -> Malformed:
    return Malformed("a member of the stream changes its type")
