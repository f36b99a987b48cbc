from __future__ import annotations

from dataclasses import replace

from sidecar.evidence.fairness.course import Moment, What
from sidecar.evidence.fairness.text import told
from tests.unit.evidence.fairness.reports import MODEL, REPORT


def _lines(**changes: object) -> list[str]:
    return told(replace(REPORT, models=(replace(MODEL, **changes),))).splitlines()  # type: ignore[arg-type]


def test_a_model_is_told_whole() -> None:
    lines = _lines()
    assert lines[0] == "credit: 100 predictions, ratio 1.75 (certainly above 1.60 at some time); the limit is 1.50"
    assert lines[1] == "  2026-11-21 22:26:40.000Z to 2026-11-21 22:28:20.500Z, the window's state is ok"
    assert lines[lines.index("  group     n  refused  positive            95 %  mean score          bounds") :] == [
        "  group     n  refused  positive            95 %  mean score          bounds",
        "  white    80        2     90.0%  81.2% to 94.9%       0.750  0.700 to 0.800",
        "  unknown  20        0         -               -           -               -",
        "",
        "  metric            value            95 %",
        "  disparate impact  1.750  1.500 to 2.000  white over black",
        "  ratio                 -               -",
        "",
        "  2026-11-21 22:27:40.000Z  after        60  certain",
        "  2026-11-21 22:27:40.250Z  after        60  throttled",
        "  2026-11-21 22:28:10.000Z  after        90  released",
        "",
        "Positive rates and metrics: intervals at 95 %, for one look. Mean scores: bounds valid at every look.",
        "250 records looked at",
    ]


def test_the_plot_stands_between() -> None:
    assert any("┄ the limit" in line for line in _lines())


def test_little_is_told_of_little() -> None:
    lines = _lines(points=(), moments=(), measures=(), version="3", limit=None)
    assert lines[0] == "credit, version 3: 100 predictions, too little is known for a ratio"
    assert not any(line.startswith("  metric") for line in lines)


def test_true_outcomes_are_counted() -> None:
    assert "  with 40 true outcomes of 100" in _lines(labelled=40)


def test_many_moments_are_cut() -> None:
    moments = tuple(Moment(What.WARNED, number, 0.0) for number in range(30))
    lines = _lines(moments=moments, moments_total=1_234)
    assert sum("  warned" in line and "after" in line for line in lines) == 20
    assert "  … and 1,214 more" in lines


def test_what_was_passed_over_is_told() -> None:
    lines = told(replace(REPORT, unreadable=3, left_out=4)).splitlines()
    assert lines[-2:] == [
        "3 of them passed over: not as this version writes them",
        "4 predictions left out: more models and versions than are watched",
    ]


def test_names_of_others_cannot_move_the_cursor() -> None:
    assert _lines(model="a\x1b[2J")[0].startswith("a\\x1b[2J: ")
