from __future__ import annotations

import pytest

from sidecar.protocols.numbers import first_number
from sidecar.protocols.strict_json import Malformed


@pytest.mark.parametrize(
    ("document", "number"),
    [
        (0.5, 0.5),
        (7, 7),
        ({"label": "deny", "3": {"p": [True, None, "9", [-1e-3]]}, "q": 2}, -0.001),
        ([[[]], {}, 0], 0),
        ("0.5", 0.5),
        ("score: -1.5e2 of 2", -150.0),
        ("score=0.7, n=3", 0.7),
        ("(1) yes", 1.0),
        ("0, 1", 0.0),
    ],
)
def test_first_number(document: object, number: float) -> None:
    assert first_number(document) == number


def test_a_whole_number_stays_one() -> None:
    assert [type(first_number(document)) for document in ("class 7", [7], "7.0", "9" * 40)] == [int, int, float, float]


@pytest.mark.parametrize("document", [{}, [], True, None, {"1": "2"}, ["3"]])
def test_documents_without_a_number(document: object) -> None:
    with pytest.raises(Malformed, match="holds no number"):
        first_number(document)


@pytest.mark.parametrize(
    "words",
    [
        "",
        "approve",
        "NaN",
        "v2 0.5",
        "0x1F",
        "01",
        ".5",
        "1.",
        "1.2.3",
        "1,234.5",
        "12%",
        "+1",
        "- 1",
        "1-2",
        "2026-11-22",
        "1_000",
        "1e5x",
        "12a 0.5",
    ],
)
def test_words_whose_first_digits_are_no_plain_number(words: str) -> None:
    with pytest.raises(Malformed, match="begin its digits"):
        first_number(words)


def test_words_that_could_be_read_otherwise() -> None:
    with pytest.raises(Malformed, match="not finite"):
        first_number("1e999")
    for words in ("٣ 0.5", "−0.5", "0.5 €"):  # noqa: RUF001  (other digits and signs are the point)
        with pytest.raises(Malformed, match="more than ASCII"):
            first_number(words)
