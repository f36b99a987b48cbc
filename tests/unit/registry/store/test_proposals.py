from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.registry.values import Conflict, Invalid, Json, Kind, Missing, NotAllowed, Proposal, ProposalState
from tests.registries import ANN, BEN, NOW_UNIX_S, ROBOT
from tests.unit.registry.store.test_bodies import MODEL

if TYPE_CHECKING:
    from sidecar.registry.store.registry import Registry
    from tests.registries import SetClock

RULE = {"max_drift": 0.02, "min_n": 500}
FIRST = "the model has no group means yet: the first ones are a person's word"


@pytest.fixture
def registry(registry: Registry) -> Registry:
    """With a model of two groups, whose means may move a little by themselves."""
    registry.put(Kind.MODEL, "m", MODEL | {"groups": ["a", "b"], "means": RULE}, by=ANN, if_match=None)
    return registry


def body(a: float = 0.5, b: float = 0.48, n: int = 600) -> Json:
    return {"means": {"a": a, "b": b}, "evidence": {"groups": {"a": {"n": n}, "b": {"n": n}}, "query": "1"}}


def active(registry: Registry) -> Any:
    record = registry.get(Kind.GROUP_MEAN, "m")
    return None if record is None else record.body


def actions(registry: Registry) -> list[tuple[str, str, str, str]]:
    """All that happened since the model was registered."""
    return [(line.by, line.action, line.kind, line.key) for line in registry.history(after=1)]


def test_first_means_wait_for_a_person(registry: Registry) -> None:
    proposal = registry.propose("m", body(), by=ROBOT)
    assert proposal == Proposal(
        1, "m", {"a": 0.5, "b": 0.48}, body()["evidence"], ProposalState.OPEN, "robot", NOW_UNIX_S, None, None, FIRST
    )
    assert registry.proposals("m") == [proposal]
    assert active(registry) is None
    assert actions(registry) == [("robot", "proposed", "proposal", "1")]


def test_another_person_makes_them_active(registry: Registry, clock: SetClock) -> None:
    proposal = registry.propose("m", body(), by=ANN)
    clock.now_s += 60
    decided = registry.activate(1, by=BEN)
    assert decided == replace(proposal, state=ProposalState.ACTIVE, decided_by="ben", decided_unix_s=NOW_UNIX_S + 60)
    assert active(registry) == {
        "means": {"a": 0.5, "b": 0.48},
        "provenance": {"proposal": 1, "evidence": body()["evidence"], "proposed_by": "ann", "set_by": "ben"},
    }
    assert actions(registry)[1:] == [
        ("ben", "created", "group_mean", "m"),
        ("ben", "activated", "proposal", "1"),
    ]
    assert registry.data_document().json["group_mean"] == {"m": {"a": 0.5, "b": 0.48}}


@pytest.mark.parametrize(("by", "why"), [(ROBOT, "waits for a person's word"), (ANN, "another person than ann")])
def test_nobody_else_does(registry: Registry, by: Any, why: str) -> None:
    registry.propose("m", body(), by=ANN)
    with pytest.raises(NotAllowed, match=why):
        registry.activate(1, by=by)
    assert active(registry) is None


def test_a_small_drift_with_enough_behind_it_is_active_at_once(registry: Registry) -> None:
    registry.propose("m", body(), by=ROBOT)
    registry.activate(1, by=BEN)
    proposal = registry.propose("m", body(a=0.52), by=ROBOT)
    assert (proposal.state, proposal.decided_by) == (ProposalState.ACTIVE, "robot")
    assert active(registry)["means"] == {"a": 0.52, "b": 0.48}
    assert actions(registry)[-3:] == [
        ("robot", "proposed", "proposal", "2"),
        ("robot", "changed", "group_mean", "m"),
        ("robot", "activated", "proposal", "2"),
    ]


@pytest.mark.parametrize("beyond", [body(a=0.53), body(n=499)])
def test_a_greater_one_or_one_with_little_behind_it_waits(registry: Registry, beyond: Json) -> None:
    registry.propose("m", body(), by=ROBOT)
    registry.activate(1, by=BEN)
    proposal = registry.propose("m", beyond, by=ROBOT)
    assert proposal.state is ProposalState.OPEN
    assert "group a" in proposal.why
    assert active(registry)["means"] == {"a": 0.5, "b": 0.48}


def test_a_newer_proposal_takes_the_place_of_an_open_one(registry: Registry) -> None:
    registry.propose("m", body(), by=ROBOT)
    registry.propose("m", body(a=0.51), by=ANN)
    newest, older = registry.proposals("m")
    assert (older.id, older.state, older.decided_by, older.why) == (
        1,
        ProposalState.REJECTED,
        "ann",
        "proposal 2 takes its place",
    )
    assert (newest.id, newest.state) == (2, ProposalState.OPEN)
    assert registry.proposals("m", limit=1) == [newest]
    with pytest.raises(Conflict, match="proposal 1 is rejected already, by ann"):
        registry.activate(1, by=BEN)


def test_a_proposal_is_decided_once(registry: Registry) -> None:
    registry.propose("m", body(), by=ROBOT)
    rejected = registry.reject(1, by=ANN, why="one week is too little")
    assert (rejected.state, rejected.decided_by, rejected.why) == (
        ProposalState.REJECTED,
        "ann",
        "one week is too little",
    )
    assert actions(registry)[-1] == ("ann", "rejected", "proposal", "1")
    for decide in (lambda: registry.activate(1, by=BEN), lambda: registry.reject(1, by=BEN, why="")):
        with pytest.raises(Conflict):
            decide()
    assert active(registry) is None


@pytest.mark.parametrize("number", [-1, 0, 7, 2**70])
def test_there_must_be_one(registry: Registry, number: int) -> None:
    with pytest.raises(Missing):
        registry.activate(number, by=BEN)
    with pytest.raises(Missing):
        registry.reject(number, by=BEN, why="")


def test_a_proposal_must_fit_its_model(registry: Registry) -> None:
    with pytest.raises(Missing):
        registry.propose("n", body(), by=ROBOT)
    with pytest.raises(Invalid) as refused:
        registry.propose("m", {"means": {"a": "much"}, "colour": "red"}, by=ROBOT)
    assert len(refused.value.problems) == 4
    with pytest.raises(Invalid):
        registry.propose("m", {"means": {"a": "\ud800"}, "evidence": {}}, by=ROBOT)
    assert actions(registry) == []


def test_a_model_that_has_changed_since_makes_a_proposal_unfit(registry: Registry) -> None:
    registry.propose("m", body(), by=ROBOT)
    registry.put(Kind.MODEL, "m", MODEL | {"groups": ["a", "c"]}, by=ANN, if_match=1)
    with pytest.raises(Invalid, match=r"means\.c: missing"):
        registry.activate(1, by=BEN)
    registry.delete(Kind.MODEL, "m", by=ANN, if_match=2)
    with pytest.raises(Missing):
        registry.activate(1, by=BEN)


@pytest.mark.parametrize("text", ["\0", "\ud800"])
def test_no_text_breaks_it(registry: Registry, text: str) -> None:
    registry.propose("m", body(), by=ROBOT)
    with pytest.raises(Invalid):
        registry.reject(1, by=ANN, why=text)
    with pytest.raises(Invalid):
        registry.proposals(text)
