"""What a module's text tells before an engine parses it: its package, and how deep its brackets are nested."""

from __future__ import annotations

import re

DEPTH_LIMIT = 12
"""regorus parses nested arrays in time that grows exponentially: 12 deep 0.2 s, 16 deep 3 s."""

_PACKAGE = re.compile(r"package[ \t]+([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)[ \t]*(?:#.*)?", re.ASCII)
_BRACKET = re.compile(r"[][{}()]")


def depth(text: str) -> int:
    """How deep brackets are nested, those in strings and comments included."""
    now = deepest = 0
    for bracket in _BRACKET.findall(text):
        now = now + 1 if bracket in "[{(" else max(0, now - 1)
        deepest = max(deepest, now)
    return deepest


def package_of(text: str) -> str | None:
    """The package that a module declares, or None where it is not written on one plain line.

    Lines end with `\\n` alone, as the engines see it: a comment that holds another separator goes on.
    """
    for line in text.split("\n"):
        statement = line.strip(" \t\r")
        if statement and not statement.startswith("#"):
            match = _PACKAGE.fullmatch(statement)
            return match[1] if match else None
    return None
