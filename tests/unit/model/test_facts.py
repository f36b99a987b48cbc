from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.facts import (
    UNEXPLAINED_TIERS,
    BundleFacts,
    Facts,
    GroupPlace,
    GroupSource,
    ModelFacts,
    Place,
    Reader,
    parse_group_source,
    parse_reader,
)
from tests.policies import REGO

names = st.text(st.characters(exclude_characters="[]", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "reader"),
    [
        ("output:score", Reader(Place.OUTPUT, "score")),
        ("output:probabilities[1]", Reader(Place.OUTPUT, "probabilities", 1)),
        ("input:income", Reader(Place.INPUT, "income")),
        ("input:rows[12]", Reader(Place.INPUT, "rows", 12)),
        ("output:a:b/c d", Reader(Place.OUTPUT, "a:b/c d")),
        ("pointer:/a/0", Reader(Place.POINTER, "/a/0")),
        ("pointer:/a~1b[0]", Reader(Place.POINTER, "/a~1b[0]")),
        # RFC 6901: the empty pointer is the whole document.
        ("pointer:", Reader(Place.POINTER, "")),
    ],
)
def test_a_reader_taken_apart(text: str, reader: Reader) -> None:
    assert parse_reader(text) == reader
    assert str(reader) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "score",
        "output",
        "output:",
        "Output:score",
        " output:score",
        "output:score\n",
        "output:score[]",
        "output:score[-1]",
        "output:score[1.5]",
        "output:score[1][2]",
        "output:score[1]x",
        "output:score[1234567]",
        "output:" + "x" * 257,
        "output:a\x00b",
        "pointer:a/0",
        "pointer:/a\n",
        "header:X-Score",
        "claim:group",
    ],
)
def test_what_is_no_reader(text: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        parse_reader(text)


@given(st.sampled_from([Place.OUTPUT, Place.INPUT]), names, st.none() | st.integers(0, 999_999))
def test_a_reader_survives_being_written(place: Place, name: str, column: int | None) -> None:
    reader = Reader(place, name, column)
    assert parse_reader(str(reader)) == reader


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("claim:group", GroupSource(GroupPlace.CLAIM, "claim:group")),
        ("header:X-Protected-Group", GroupSource(GroupPlace.HEADER, "header:X-Protected-Group")),
        ("header:x-protected-group", GroupSource(GroupPlace.HEADER, "header:X-Protected-Group")),
        ("input:sex", GroupSource(GroupPlace.INPUT, "input:sex", Reader(Place.INPUT, "sex"))),
        ("input:rows[3]", GroupSource(GroupPlace.INPUT, "input:rows[3]", Reader(Place.INPUT, "rows", 3))),
    ],
)
def test_a_group_source_taken_apart(text: str, source: GroupSource) -> None:
    assert parse_group_source(text) == source


@pytest.mark.parametrize(
    "text", ["", "claim:sub", "Claim:group", "header:X-Group", "output:group", "pointer:/group", "input:"]
)
def test_what_is_no_group_source(text: str) -> None:
    with pytest.raises(ValueError, match="is none of"):
        parse_group_source(text)


def test_the_facts_of_a_model() -> None:
    credit = ModelFacts("credit", batch=False)
    facts = Facts("r1", {"credit": credit})
    assert facts.of("credit") is credit


@pytest.mark.parametrize(("model", "name"), [("other", "other"), (None, "")])
def test_a_model_that_is_not_registered_has_the_defaults(model: str | None, name: str) -> None:
    assert Facts("r1", {"credit": ModelFacts("credit")}).of(model) == ModelFacts(name)


@pytest.mark.parametrize(
    ("rules", "tier", "needed"),
    [
        ({}, "high", True),
        ({}, None, True),
        ({}, "hihg", True),
        ({}, "limited", False),
        ({"explanation": "shadow"}, "high", True),
        ({"explanation": "Off"}, "high", True),
        ({"explanation": "off"}, "high", False),
        ({"explanation": "shadow"}, "low", False),
    ],
)
def test_an_explanation_is_needed_as_the_guard_has_it(rules: dict[str, str], tier: str | None, needed: bool) -> None:
    assert ModelFacts("credit", rules=rules, risk_tier=tier).needs_explanation is needed


def test_the_tiers_without_explanation_are_the_guards() -> None:
    guard = (REGO / "guards/explanation/response/explanation.rego").read_text()
    (listed,) = re.findall(r"risk_tier in (\{[^}]*\})", guard)
    assert set(json.loads(listed.replace("{", "[").replace("}", "]"))) == UNEXPLAINED_TIERS


@pytest.mark.parametrize(
    ("roots", "expected"),
    [
        (("revocations/tokens", "revocations/subjects"), True),
        (("revocations",), True),
        (("models", "revocations/earlier"), True),
        (("",), False),
        (("models", "datasets"), False),
        (("revocations_of_ours",), False),
        ((), False),
    ],
)
def test_which_bundles_change_with_each_revocation(roots: tuple[str, ...], expected: bool) -> None:
    assert BundleFacts("r1", roots).holds_revocations is expected


def test_the_revision_of_a_rollout_leaves_out_revocations() -> None:
    told = {
        "revocations": BundleFacts("v1", ("revocations/tokens",)),
        "policy": BundleFacts("p1", ("sidecar", "guards", "lib")),
        "data": BundleFacts("d1", ("models",)),
    }
    assert Facts("d1+p1+v1", {}, bundles=told).rollout_revision == "d1+p1"
    del told["revocations"]
    assert Facts("d1+p1", {}, bundles=told).rollout_revision == "d1+p1"
    assert Facts("0123456789abcdef", {}).rollout_revision == "0123456789abcdef"
