from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.consent.claims import Claims, parse_claims

MINIMAL: dict[str, Any] = {"iss": "i", "aud": "a", "sub": "s", "exp": 10}


def test_all_claims_are_read() -> None:
    payload = {
        "iss": "i",
        "aud": ["a", "b"],
        "sub": "s",
        "exp": 10.5,
        "iat": 1,
        "nbf": -2,
        "jti": "t",
        "scope": "x  y x",
        "group": ["a", 7, -1],
        "data_version": "d",
        "other": {"anything": None},
    }
    assert parse_claims(payload) == Claims(
        "i", ("a", "b"), "s", 10.5, 1.0, -2.0, "t", ("x", "y"), ("a", "7", "-1"), "d"
    )


def test_what_is_optional_may_be_absent() -> None:
    assert parse_claims(MINIMAL) == Claims("i", ("a",), "s", 10.0, None, None, None, (), None, None)


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("", ()),
        (" ", ()),
        ("a", ("a",)),
        (["a", "b", "a"], ("a", "b")),
        ([], ()),
        ("consent:readx", ("consent:readx",)),
    ],
)
def test_scopes(scope: object, scopes: tuple[str, ...]) -> None:
    assert parse_claims({**MINIMAL, "scope": scope}).scopes == scopes


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "exp"])
def test_a_required_claim_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(ValueError, match=f"the claim {name} is missing"):
        parse_claims({key: value for key, value in MINIMAL.items() if key != name})


WRONG: dict[str, list[Any]] = {
    "iss": ["", 1, None, ["i"]],
    "aud": [1, None, [1], [""], {"a": 1}],
    "sub": ["", 1, None, ["s"]],
    "exp": ["10", True, None, [10], 10**400],
    "iat": ["1", False, None],
    "nbf": ["1", True, {}],
    "jti": ["", 5, None],
    "scope": [1, None, {"a": 1}, ["a b"], [""], [1], [["a"]]],
    "group": [None, 1.5, True, [1.5], [None], {"g": 1}, "", ["a", ""], 1 << 63, "g" * 257],
    "data_version": ["", 1, None, ["d"], "é" * 129],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]])
def test_a_claim_of_a_wrong_type_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"the claim {name} has a wrong type or value"):
        parse_claims({**MINIMAL, name: value})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*WRONG, "other"]), json_values))
def test_no_payload_does_anything_but_parse_or_be_refused(payload: dict[str, Any]) -> None:
    try:
        claims = parse_claims(payload)
    except ValueError:
        return
    assert {type(claims.subject), type(claims.expires_unix_s)} == {str, float}
