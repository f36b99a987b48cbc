"""Foreign text on a terminal: what others wrote must not move the cursor, nor paint over what was found."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""The text with all that does not print (control characters, marks of direction, half surrogates) as `\x1b`."""
    return text if text.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
