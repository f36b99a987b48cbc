"""Group means of any logs against another reading of the same records: all of it, from bytes on disk to the figures."""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.evidence.replay import Span
from sidecar.registry.means.figures import GroupFigures, figures
from sidecar.registry.means.predictions import Wanted, predictions
from sidecar.registry.means.verified import verified
from tests.budgets import examples
from tests.unit.registry.means.scored import Scored

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sidecar.evidence.log import AuditLog

GROUPS = ("a", "b")
_scores = st.lists(st.floats(0, 1), min_size=1, max_size=3)
_exchange = st.fixed_dictionaries(
    {
        "scores": _scores,
        "groups": st.lists(st.sampled_from(["a", "b", "other"]), min_size=3, max_size=3),
        "is_single": st.booleans(),
        "result": st.sampled_from(["released", "released", "released", "refused", "replaced"]),
        "model": st.sampled_from(["credit", "credit", "credit", "another"]),
    }
)
_log = st.lists(_exchange, max_size=15)


def write(folder: Path, name: str, exchanges: Sequence[dict[str, Any]]) -> AuditLog:
    log = Scored(folder, name)
    for each in exchanges:
        scores = each["scores"]
        groups = each["groups"][:1] if each["is_single"] else each["groups"][: len(scores)]
        log.exchange(groups, scores, model=each["model"], result=each["result"])
    return log.close()


def by_hand(lines: Iterable[bytes], since: int, until: int) -> tuple[dict[str, list[float]], Counter[str]]:
    """Scores by group, and how many predictions did not enter, from exported lines."""
    asked: dict[str, Any] = {}
    scores: dict[str, list[float]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    for record in map(json.loads, lines):
        if record["kind"] == "INTENT":
            asked[record["decision_id"]] = record
            continue
        intent = asked[record["decision_id"]]
        if intent["endpoint"]["model"] != "credit" or not since <= record["time_unix_ns"] < until:
            continue
        groups = intent["input"]["attributes"]["groups"]["value"]
        given_ = record["input"]["prediction"]["scores"]
        for group, score in zip(groups * len(given_) if len(groups) == 1 else groups, given_, strict=True):
            if record["result"] != "released":
                left_out["not_released"] += 1
            elif group not in GROUPS:
                left_out["other_groups"] += 1
            else:
                scores[group].append(score)
    return scores, left_out


def close_to(scores: list[float]) -> GroupFigures:
    return GroupFigures(
        len(scores),
        pytest.approx(math.fsum(scores) / len(scores), rel=1e-9, abs=1e-12),  # type: ignore[arg-type]
        pytest.approx(statistics.stdev(scores), rel=1e-6, abs=1e-9),  # type: ignore[arg-type]
    )


@settings(max_examples=examples(25))
@given(st.lists(_log, min_size=1, max_size=3), st.integers(0, 20), st.integers(0, 20), st.booleans())
def test_figures_are_those_that_the_records_come_to(
    written: list[list[dict[str, Any]]], since_s: int, length_s: int, is_copied: bool
) -> None:
    with TemporaryDirectory() as folder:
        logs = [write(Path(folder), f"log{number}", log) for number, log in enumerate(written)]
        begins_ns = Scored(Path(folder), "clock").writer.clock.unix_ns()
        since, until = begins_ns + since_s * 10**9, begins_ns + (since_s + length_s) * 10**9
        scores, left_out = by_hand((line for log in logs for line in log.records()), since, until)
        found = list(predictions(verified(logs), Wanted("credit", GROUPS, Span(since, until))))
        told = figures(found * 2 if is_copied else found, GROUPS)
    assert told.groups == {group: close_to(scores[group]) for group in GROUPS if len(scores[group]) > 1}
    assert told.few == {group: len(scores[group]) for group in GROUPS if len(scores[group]) <= 1}
    assert told.left_out() == {
        "other_groups": left_out["other_groups"],
        "without_score": 0,
        "not_released": left_out["not_released"],
        "repeated": len(found) if is_copied else 0,
    }
