from __future__ import annotations

import pytest

from sidecar.model.facts import BundleFacts
from sidecar.policy.facts import BUNDLES_LIMIT, FactsInvalid, read_facts
from sidecar.policy.port import Answer


def bundles_told(bundles: object) -> tuple[str, ...]:
    with pytest.raises(FactsInvalid) as raised:
        read_facts(Answer({"bundles": bundles}, "r1"))
    return raised.value.problems


def test_what_each_bundle_says_of_itself() -> None:
    about = {"revision": "d1", "roots": ["models", "datasets"], "sequence": 1_795_300_000_123, "created_unix_s": 7.5}
    facts = read_facts(Answer({"bundles": {"data": about, "policy": {"revision": "p1", "roots": [""]}}}, "p1+d1"))
    assert facts.bundles == {
        "data": BundleFacts("d1", ("models", "datasets"), 1_795_300_000_123, 7.5),
        "policy": BundleFacts("p1", ("",)),
    }
    assert read_facts(Answer({}, "r1")).bundles == {}


@pytest.mark.parametrize(
    ("about", "member"),
    [
        ({"sequence": "7"}, ".sequence"),
        ({"sequence": True}, ".sequence"),
        ({"sequence": -1}, ".sequence"),
        ({"sequence": 1.5}, ".sequence"),
        ({"created_unix_s": "now"}, ".created_unix_s"),
        ({"created_unix_s": float("nan")}, ".created_unix_s"),
        ({"roots": "models"}, ".roots"),
        ({"revision": None}, ".revision"),
        (None, ""),
    ],
)
def test_what_a_bundle_says_has_its_type(about: object, member: str) -> None:
    (problem,) = bundles_told({"data": about})
    assert problem.startswith(f"facts: bundles.data{member}: ")


def test_bundles_are_bounded() -> None:
    (problem,) = bundles_told({f"b{number}": {} for number in range(BUNDLES_LIMIT + 1)})
    assert problem.startswith("facts: bundles: ")
