"""Many instances in one request: each is judged, and each answer belongs to its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.hostile.case import GROUP, Case, Fate, declined, passed, request
from tests.hostile.upstream import response
from tests.process import example_data

if TYPE_CHECKING:
    from tests.hostile.rig import Rig
    from tests.hostile.upstream import Behaviour, Talk

COUNT = 100
LINE = b"POST /v2/models/many/infer HTTP/1.1"


def data() -> dict[str, Any]:
    """A second model, `many`: a token covers many, and the request itself says each one's group."""
    document = example_data()
    credit = document["models"]["credit"]
    document["models"]["many"] = {
        **credit,
        "instances_per_token": 256,
        "read": {**credit["read"], "group": "input:group"},
    }
    document["group_mean"]["many"] = document["group_mean"]["credit"]
    return document


DATA = data()


def batch(groups: list[str], count: int = COUNT) -> bytes:
    """`count` instances; `groups` are theirs."""
    inputs = [
        {"name": "income", "shape": [count], "datatype": "FP64", "data": [50.0] * count},
        {"name": "group", "shape": [len(groups)], "datatype": "BYTES", "data": groups},
    ]
    return request(body=json.dumps({"inputs": inputs}).encode(), line=LINE, without=(GROUP,))


def answers(scores: list[float]) -> Behaviour:
    """A prediction with these scores."""
    size = len(scores)
    outputs = [
        {"name": "score", "shape": [size], "datatype": "FP64", "data": scores},
        {"name": "label", "shape": [size], "datatype": "BYTES", "data": ["approve"] * size},
    ]

    def behaviour(talk: Talk) -> bool:
        talk.request()
        talk.send(response(json.dumps({"model_name": "many", "outputs": outputs}).encode()))
        return True

    return behaviour


GOOD = ["a"] * COUNT


def test_a_good_batch_passes(rig: Rig) -> None:
    rig.upstream.behaviours.append(answers([0.5] * COUNT))
    rig.run(passed("good", batch(GOOD)))


@pytest.mark.parametrize("at", [0, 1, COUNT // 2, COUNT - 1])
def test_one_violating_instance_refuses_all(rig: Rig, at: int) -> None:
    """A score out of the band of its own group, wherever it stands."""
    scores = [0.5] * COUNT
    scores[at] = 0.99
    rig.upstream.behaviours.append(answers(scores))
    [answer] = rig.run(Case(f"score {at}", batch(GOOD), ((403,),), Fate.KEPT, reaches=1))
    assert "score_out_of_band" in answer.codes


@pytest.mark.parametrize("at", [0, COUNT - 1])
def test_one_unknown_group_refuses_all(rig: Rig, at: int) -> None:
    groups = [*GOOD[:at], "zz", *GOOD[at + 1 :]]
    rig.upstream.behaviours.append(answers([0.5] * COUNT))
    [answer] = rig.run(Case(f"group {at}", batch(groups), ((403,),), Fate.KEPT, reaches=1))
    assert "group_unknown" in answer.codes


@pytest.mark.parametrize("groups", [GOOD[:-1], [*GOOD, "a"], []], ids=["too few", "too many", "none"])
def test_groups_that_are_not_one_each_are_refused(rig: Rig, groups: list[str]) -> None:
    rig.run(declined("groups", batch(groups), 400))


@pytest.mark.parametrize("size", [0, 1, COUNT - 1, COUNT + 1])
def test_scores_that_are_not_one_each_are_unreadable(rig: Rig, size: int) -> None:
    rig.upstream.behaviours.append(answers([0.5] * size))
    [answer] = rig.run(Case(f"{size} scores", batch(GOOD), ((502,),), Fate.KEPT, reaches=1))
    assert answer.codes == ("prediction_unreadable",)


def test_too_many_instances(rig: Rig) -> None:
    rig.run(declined("257", batch(["a"] * 257, 257), 413))
