from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.evidence.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the hash of “é”", "the hash of “é”"),
        ("\x1b[2Jholds", r"\x1b[2Jholds"),
        ("a\nb\r\x9bc", r"a\nb\r\x9bc"),
        ("\u202eevil", r"\u202eevil"),
        ("file\udcff", r"file\udcff"),
    ],
)
def test_what_does_not_print_is_written_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_nothing_is_left_that_does_not_print(text: str) -> None:
    assert printable(text).isprintable()
    assert printable(printable(text)) == printable(text)
