from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sidecar.demo.fairness import Fairness
from sidecar.demo.fairness_text import show_fairness
from tests.unit.evidence.fairness.reports import MODEL

CREDIT = replace(MODEL, moments=(), predictions=1_125)
SKEWED = replace(MODEL, model="credit-skewed")
FAIRNESS = Fairness((CREDIT, SKEWED), 130, 100, 26, 5.25, 1, 5, "/tmp/demo/fairness.png")


def _printed(fairness: Fairness, width: int = 80) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False)
    show_fairness(fairness, Path("/tmp/demo/audit"), ".venv/bin/sidecar", console)
    return out.getvalue()


def _said(fairness: Fairness) -> str:
    return " ".join(_printed(fairness).split())


@pytest.mark.parametrize(
    "line",
    [
        "credit 1,125 1.75 1.60 1.50 ok did nothing",
        "credit-skewed 100 1.75 1.60 1.50 ok throttled it",
        "Both models as a picture: /tmp/demo/fairness.png",
        ".venv/bin/sidecar audit report --fairness /tmp/demo/audit",
    ],
)
def test_lines(line: str) -> None:
    assert line in [" ".join(each.split()) for each in _printed(FAIRNESS).splitlines()]


def test_the_second_phase_is_told_and_said_to_be_synthetic() -> None:
    said = _said(FAIRNESS)
    assert "credit-skewed is synthetic: the scores of credit, but a cut-off that lets about 35% pass" in said
    assert "After 60 predictions it was certain that the limit is exceeded: the model was throttled" in said
    assert (
        "throttled to 1 call a second for 5 s (so short only for you to watch). 26 calls met 429 (model_throttled), for"
        in said
    )
    assert "┄ the limit" in said


def test_what_did_not_happen_is_not_claimed() -> None:
    calm = replace(FAIRNESS, models=(CREDIT, replace(SKEWED, moments=())), throttled=0)
    assert "After 130 calls it was not throttled." in _said(calm)
    assert "certain that the limit is exceeded" not in _said(calm)
    assert "After 130 calls it was not throttled." in _said(replace(FAIRNESS, models=(), throttled=0))


def test_all_fits_80_columns() -> None:
    assert max(map(len, _printed(FAIRNESS).splitlines())) <= 80
    assert "…" not in _printed(FAIRNESS)
