from __future__ import annotations

from typing import Any

import pytest

from sidecar.policy.data_registers import register_problems

PACKED = {"ab12": "c" * 28, "0000": f"{'d' * 28} {'e' * 28}"}
EARLIER: dict[str, Any] = {"number": 3, "tokens": PACKED, "subjects": {}}
FLAT: dict[str, Any] = {"tokens": {"t": 1}, "subjects": {}}
EMPTY = "must be an object, empty where there are none"
NUMBER = "must be a whole number"
DIGITS = "must be groups of 28 hexadecimal digits with a space between"


def problems(revocations: object, **more: object) -> list[str]:
    return list(register_problems({"revocations": revocations, **more}))


@pytest.mark.parametrize(
    "revocations",
    [
        FLAT,
        {**FLAT, "earlier": EARLIER},
        {**FLAT, "earlier": EARLIER, "after": 3},
        {**FLAT, "earlier": EARLIER, "after": 0},
        {**FLAT, "earlier": {**EARLIER, "number": 0, "tokens": {}}, "after": 0, "note": "ours"},
    ],
)
def test_one_tier_or_two(revocations: object) -> None:
    assert problems(revocations) == []


def test_revocations_are_needed_and_objections_are_not() -> None:
    assert list(register_problems({})) == [f"revocations.tokens: {EMPTY}", f"revocations.subjects: {EMPTY}"]
    assert problems(FLAT, objections={}) == [f"objections.subjects: {EMPTY}"]
    assert problems(FLAT, objections=None) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"after": 4}, ["earlier.number: is 3, and revocations.after says that 4 is needed"]),
        *(({"after": value}, [f"after: {NUMBER}"]) for value in (None, True, "3", -1, 2.5)),
        *(({"earlier": value}, ["earlier: must be an object"]) for value in (None, False, [], 3)),
        ({"earlier": {}}, [f"earlier.number: {NUMBER}", f"earlier.tokens: {EMPTY}", f"earlier.subjects: {EMPTY}"]),
        ({"earlier": {**EARLIER, "number": True}}, [f"earlier.number: {NUMBER}"]),
        ({"earlier": {**EARLIER, "tokens": ["ab12"]}}, [f"earlier.tokens: {EMPTY}"]),
        (
            {"earlier": {**EARLIER, "tokens": {"AB12": "c" * 28}}},
            ["earlier.tokens.AB12: is not four hexadecimal digits"],
        ),
        *(
            ({"earlier": {**EARLIER, "subjects": {"ab12": value}}}, [f"earlier.subjects.ab12: {DIGITS}"])
            for value in ("", "c" * 27, "c" * 56, f"{'c' * 28}  {'c' * 28}", f"{'c' * 28} ", "C" * 28, 1, ["c" * 28])
        ),
    ],
)
def test_what_is_wrong_with_the_bulk(changes: dict[str, Any], expected: list[str]) -> None:
    told = problems({**FLAT, "after": 3, "earlier": EARLIER, **changes})
    assert told == [f"revocations.{problem}" for problem in expected]


def test_going_on_from_a_bulk_that_is_not_there() -> None:
    assert problems({**FLAT, "after": 0}) == ["revocations.after: there is no revocations.earlier from which to go on"]
