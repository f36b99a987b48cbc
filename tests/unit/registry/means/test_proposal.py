"""The proposal: the means, and what another person needs to come to the same ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import sidecar
from sidecar.evidence.folders import LogFolder
from sidecar.evidence.replay import Span
from sidecar.registry.means.figures import Figures, GroupFigures
from sidecar.registry.means.predictions import Wanted
from sidecar.registry.means.proposal import proposal, too_few
from sidecar.registry.means.verified import VerifiedLog
from sidecar.registry.store.drift import problems

FIGURES = Figures(
    {"a": GroupFigures(400, 0.5, 0.2), "b": GroupFigures(100, 0.25, 0.1)},
    few={},
    other_groups=7,
    without_score=3,
    not_released=11,
    repeated=500,
)
WANTED = Wanted("credit", ("a", "b"), Span(1_795_300_000_000_000_000, 1_795_386_400_000_123_000))
LOG = VerifiedLog(LogFolder(Path("audit/0/ledger"), Path("audit")), "ab" * 16, 100, 1_000, 1_024, b"\x07" * 32)


def test_it_says_all_that_is_needed_to_repeat_it() -> None:
    found = proposal(FIGURES, WANTED, [LOG])
    assert found == {
        "means": {"a": 0.5, "b": 0.25},
        "evidence": {
            "made_by": "sidecar registry refresh-means",
            "version": sidecar.__version__,
            "query": 1,
            "model": "credit",
            "window": {"since": "2026-11-21T22:26:40+00:00", "until": "2026-11-22T22:26:40.000123+00:00"},
            "logs": [{"log": "ab" * 16, "first": 100, "end": 1_000, "tree_size": 1_024, "root_sha256": "07" * 32}],
            "groups": {
                "a": {"n": 400, "mean": 0.5, "stddev": 0.2, "lower": 0.480400360155, "upper": 0.519599639845},
                "b": {"n": 100, "mean": 0.25, "stddev": 0.1, "lower": 0.230400360155, "upper": 0.269599639845},
            },
            "interval": {"level": 0.95, "method": "normal"},
            "left_out": {"other_groups": 7, "without_score": 3, "not_released": 11, "repeated": 500},
        },
    }
    assert problems(found, {"groups": ["a", "b"]}) == []


@pytest.mark.parametrize(
    ("min_n", "few"),
    [
        (100, []),
        (101, ["group b has 100 released predictions with a score; 101 are needed"]),
        (
            1_000,
            [
                "group a has 400 released predictions with a score; 1,000 are needed",
                "group b has 100 released predictions with a score; 1,000 are needed",
            ],
        ),
    ],
)
def test_every_group_needs_so_many(min_n: int, few: list[str]) -> None:
    assert too_few(FIGURES, min_n) == few


def test_a_group_without_predictions_has_too_few() -> None:
    lacking = Figures({"a": GroupFigures(400, 0.5, 0.2)}, {"b": 0}, 0, 0, 0, 0)
    assert too_few(lacking, 2) == ["group b has 0 released predictions with a score; 2 are needed"]
