from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.bundles.canonical import canonical, canonical_text
from sidecar.bundles.invalid import BundleInvalid

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


@given(VALUES)
def test_canonical_text_stays_as_it_is(value: object) -> None:
    text = canonical(value)
    assert canonical_text(text, "data.json") == text
    assert json.loads(text) == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b'{"b": 1, "a": {"d": [], "c": null}}', b'{"a":{"c":null,"d":[]},"b":1}'),
        (
            b"[1e3, 1.50, -0, 1E+2, 123456789012345678901234567890]",
            b"[1e3,1.50,-0,1E+2,123456789012345678901234567890]",
        ),
        ('["é", "\\u00e9", "<&>", "\\/", "\\u2028"]'.encode(), '["é","é","<&>","/","\\u2028"]'.encode()),
        (b'{"a": 1, "a": 2}', b'{"a":2}'),
        (b' "x" ', b'"x"'),
    ],
)
def test_numbers_stand_as_they_are_written_and_all_else_in_one_form(text: bytes, expected: bytes) -> None:
    assert canonical_text(text, "data.json") == expected


@pytest.mark.parametrize("text", [b"", b"{", b"NaN", b"[Infinity]", b'"\\ud800"', b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_refused_by_name(text: bytes) -> None:
    with pytest.raises(BundleInvalid, match=r"^data\.json: is no JSON"):
        canonical_text(text, "data.json")
