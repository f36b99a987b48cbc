"""The first number of an answer: for a handler that says its score in a shape of its own, or in plain words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIGIT = re.compile(r"[0-9]")
# A JSON number that is no part of a word (`v2`), of another number (`1.2.3`, `1,234`) or of a percentage.
_NUMBER = re.compile(
    r"(?<![\w.+-])(?<![0-9],)(?<![+-] )-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![\w.%+-])(?!,[0-9])"
)


def first_number(document: object) -> float:
    """The first number in the order of the text, depth first; raises `Malformed` where there is none.

    A document that is one string is words (`score: 0.7`): the number with its first digit, if that stands alone.
    Strings inside others, keys and booleans are no numbers.
    """
    if isinstance(document, str):
        return _in_words(document)
    for number in _numbers(document):
        return number
    raise Malformed("the answer holds no number")


def _numbers(value: object) -> Iterator[float]:
    """Recursion is bounded: `strict_json` bounds the depth."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value
    elif is_array(value):
        for item in value:
            yield from _numbers(item)
    elif is_object(value):
        for item in value.values():
            yield from _numbers(item)


def _in_words(text: str) -> float:
    if not text.isascii():
        raise Malformed("the answer is words in more than ASCII, which has other digits and minus signs")
    digit = _DIGIT.search(text)
    number = _NUMBER.search(text)
    if digit is None or number is None or not number.start() <= digit.start() < number.end():
        raise Malformed("the answer does not begin its digits with a plain number")
    try:
        value = orjson.loads(number[0])
    except orjson.JSONDecodeError:  # it is JSON in its writing, so it is beyond all that a float can hold
        raise Malformed("the answer's first number is not finite") from None
    return value
