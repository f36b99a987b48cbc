"""Where in a JSON text a member stands. Looked for only once there is a problem to be told."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.registry.importing.entries import NotRead, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Steps = tuple[str | int, ...]
"""The names and indices that lead to a value."""

DEPTH_LIMIT = 6
"""Deeper values stand on the line of the one that they lie in: no record begins there."""
_SYMBOL = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class JsonFile:
    """A file's value, strictly read, and the line of each of its members."""

    def __init__(self, path: Path) -> None:
        """Raises NotRead, OSError."""
        self.path = path
        self._text = read_text(path)
        self.value = self._parsed()

    def at(self, *steps: str | int) -> Member:
        """A place in it."""
        return Member(self, steps)

    def line(self, steps: Steps) -> int:
        """From 1; of what is not there, that of what would hold it."""
        while steps and steps not in self._lines:
            steps = steps[:-1]
        return self._lines.get(steps, 1)

    @cached_property
    def _lines(self) -> dict[Steps, int]:
        return dict(_places(self._text))

    def _parsed(self) -> Any:
        try:
            value: Any = orjson.loads(self._text)  # RFC 8259 to the letter: no NaN, no lone surrogate
            json.loads(self._text, object_pairs_hook=_unique)
        except _Repeated as repeated:
            raise NotRead(f"{self.path}:{self._repeated_at()}: {repeated}") from None
        except orjson.JSONDecodeError as error:
            raise NotRead(f"{self.path}:{error.lineno}: is no JSON: {error.msg}") from None
        except RecursionError:
            raise NotRead(f"{self.path}: is nested too deep") from None
        return value

    def _repeated_at(self) -> int:
        """The line of the second of two equal names; 1 where they lie too deep to be found."""
        seen: set[Steps] = set()
        for steps, line in _places(self._text):
            if steps in seen:
                return line
            seen.add(steps)
        return 1


@dataclass(frozen=True, slots=True)
class Member:
    """A place in a JSON file, whose line is looked up when it is told."""

    file: JsonFile
    steps: Steps

    def __str__(self) -> str:
        return f"{self.file.path}:{self.file.line(self.steps)}"


class _Repeated(Exception):
    """Two equal names in one object, of which a reader would drop one in silence."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        name = next(name for number, (name, _) in enumerate(pairs) if name in dict(pairs[:number]))
        raise _Repeated(f"the name {name!r} stands twice in one object")
    return members


@dataclass(slots=True)
class _Level:
    """An object or a list that the walk is in. `step` leads to the value that comes next."""

    closes: str
    step: str | int = 0
    is_name_due: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_name_due = self.closes == "}"


def _places(text: str) -> Iterator[tuple[Steps, int]]:
    """Each value's steps and line, in order, down to `DEPTH_LIMIT`; of a text that is JSON."""
    levels: list[_Level] = []
    line, counted = 1, 0
    for match in _SYMBOL.finditer(text):
        symbol, level = match[0], levels[-1] if levels else None
        if symbol == ":":
            continue
        if level and symbol == level.closes:
            levels.pop()
        elif level and symbol == ",":
            level.is_name_due = level.closes == "}"
            level.step = level.step + 1 if isinstance(level.step, int) else level.step
        elif level and level.is_name_due:
            level.step, level.is_name_due = json.loads(symbol), False
        else:
            line += text.count("\n", counted, match.start())
            counted = match.start()
            if len(levels) <= DEPTH_LIMIT:
                yield tuple(each.step for each in levels), line
            if symbol in "{[":
                levels.append(_Level("}" if symbol == "{" else "]"))
