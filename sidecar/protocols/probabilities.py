"""A classifier's answer for one instance: a map of labels to probabilities, or a list of such pairs.

`{"approve": 0.9, "deny": 0.1}` as TorchServe's classifiers answer, `[["approve", 0.9], ["deny", 0.1]]` as TF
Serving does. Often it holds only the most probable ones, so they need not sum to 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.protocols.strict_json import Malformed, is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterable


def probability(answered: object, label: str) -> float:
    """The number that a label has; raises `Malformed`."""
    found = _by_label(answered).get(label)
    if found is None:
        raise Malformed("the map has no such label")
    return found


def most_probable(answered: object) -> str:
    """The label of the one greatest number; raises `Malformed`, where two share it as well."""
    by_label = _by_label(answered)
    greatest = max(by_label.values())
    labels = [label for label, number in by_label.items() if number == greatest]
    if len(labels) > 1:
        raise Malformed("no one label is the most probable")
    return labels[0]


def _by_label(answered: object) -> dict[str, float]:
    """At least one label, and a number for each."""
    by_label: dict[str, float] = {}
    for label, number in _entries(answered):
        if not isinstance(label, str) or label in by_label:
            raise Malformed("a label is no string of its own")
        # Strict JSON holds no NaN, with which no number would be the greatest.
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise Malformed("a probability is not a number")
        by_label[label] = number
    if not by_label:
        raise Malformed("a map of labels to probabilities is empty")
    return by_label


def _entries(answered: object) -> Iterable[tuple[object, object]]:
    if is_object(answered):
        return answered.items()
    if is_array(answered):
        return [_pair(entry) for entry in answered]
    raise Malformed("there is no map of labels to probabilities")


def _pair(entry: object) -> tuple[object, object]:
    if not is_array(entry) or len(entry) != 2:
        raise Malformed("there is no map of labels to probabilities")
    return entry[0], entry[1]
