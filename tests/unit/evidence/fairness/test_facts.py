from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.fairness.facts import facts_of
from sidecar.policy.problems import PolicyProblems
from tests.support import policy_data
from tests.unit.evidence.fairness.predicted import BEGINS_UNIX_S, Predicted

if TYPE_CHECKING:
    from pathlib import Path


def test_a_data_file_tells_groups_and_limits(tmp_path: Path) -> None:
    data = tmp_path / "data.json"
    data.write_text(json.dumps(policy_data(BEGINS_UNIX_S, groups=["x", "y"], disparate_impact_max=1.25)))
    facts = facts_of(data, []).of("credit")
    assert (facts.groups, facts.disparate_impact_max, facts.read.score_range) == (("x", "y"), 1.25, (0, 1))
    assert facts.read.positive is not None


def test_without_one_it_is_the_policy_that_was_kept_last(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    for limit in (1.25, 2.0):
        log.keep_policy(disparate_impact_max=limit)
        log.clock.advance(60)
    logs = log.close()
    assert facts_of(None, logs).of("credit").disparate_impact_max == 2.0
    newest, oldest = sorted((log.audit_dir / "policies").iterdir(), key=os.path.getmtime, reverse=True)
    os.utime(oldest, (newest.stat().st_mtime + 60,) * 2)  # it decides again
    assert facts_of(None, logs).of("credit").disparate_impact_max == 1.25


def test_where_no_policy_was_kept_data_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(PolicyProblems, match="--data"):
        facts_of(None, Predicted(tmp_path).close())


@pytest.mark.parametrize("text", ["[]", "{", '{"models":{"credit":{"groups":"a"}}}', '{"models":[]}'])
def test_what_is_no_data_document_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.json").write_text(text)
    with pytest.raises(PolicyProblems):
        facts_of(tmp_path / "data.json", [])
