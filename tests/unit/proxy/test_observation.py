from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab import DATA, infer, lab, v2_answer

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def data_with(**read: Any) -> dict[str, Any]:
    changed = copy.deepcopy(DATA)
    changed["models"]["credit"]["read"] |= read
    changed["models"]["credit"]["rules"] |= {"fairness_band": "off", "disparate_impact": "off"}
    return changed


@pytest.mark.parametrize(
    ("positive", "counted"),
    [({"label": "approve"}, (True,)), ({"label": "deny"}, (False,)), ({"score_at_least": 0.5}, (True,)),
     ({"score_at_least": 0.51}, (False,)), (None, None)],
)  # fmt: skip
async def test_what_is_positive_is_declared_by_the_model(
    tmp_path: Path, positive: dict[str, Any] | None, counted: tuple[bool, ...] | None
) -> None:
    async with lab(tmp_path, data=data_with(positive=positive)) as it:
        it.upstream.answer = v2_answer(0.5)
        await it.call(infer())
        assert [seen.positive for seen in it.window.seen] == [counted]


async def test_without_groups_a_prediction_is_still_observed(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with()) as it:
        await it.call(infer(x_protected_group=""))
        assert [seen.groups for seen in it.window.seen] == [()]
