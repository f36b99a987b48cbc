from __future__ import annotations

import pytest

from sidecar.protocols.probabilities import most_probable, probability
from sidecar.protocols.strict_json import Malformed

MAP = {"deny": 0.1, "approve": 0.9, "refer": 0}
PAIRS = [["deny", 0.1], ["approve", 0.9], ["refer", 0]]


@pytest.mark.parametrize("answered", [MAP, PAIRS])
def test_both_writings(answered: object) -> None:
    assert [probability(answered, label) for label in MAP] == [0.1, 0.9, 0]
    assert most_probable(answered) == "approve"


def test_one_label_alone() -> None:
    assert (most_probable({"": -5}), probability([["a", 1]], "a")) == ("", 1)


def test_a_label_that_is_not_there() -> None:
    with pytest.raises(Malformed, match="no such label"):
        probability(MAP, "Approve")


@pytest.mark.parametrize("answered", [{"a": 0.5, "b": 0.5, "c": 0.1}, [["a", 1], ["b", 1.0]]])
def test_a_tie_is_no_label(answered: object) -> None:
    with pytest.raises(Malformed, match="no one label is the most probable"):
        most_probable(answered)


@pytest.mark.parametrize(
    ("answered", "message"),
    [
        ({}, "is empty"),
        ([], "is empty"),
        (0.5, "there is no map"),
        ("approve", "there is no map"),
        (["approve"], "there is no map"),
        ([["approve", 0.5, 1]], "there is no map"),
        ([["approve", 0.5], ["approve", 0.4]], "a label is no string of its own"),
        ([[1, 0.5]], "a label is no string of its own"),
        ({"a": "0.5"}, "a probability is not a number"),
        ({"a": 0.9, "b": True}, "a probability is not a number"),
        ({"a": 0.9, "b": None}, "a probability is not a number"),
        ({"a": {"b": 1}}, "a probability is not a number"),
    ],
)
def test_what_is_no_map_of_labels_to_probabilities(answered: object, message: str) -> None:
    for read in (most_probable, lambda answered: probability(answered, "a")):
        with pytest.raises(Malformed, match=message):
            read(answered)
