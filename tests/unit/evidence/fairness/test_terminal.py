from __future__ import annotations

import pytest

from sidecar.evidence.fairness.course import Moment, Point, What
from sidecar.evidence.fairness.terminal import ROWS, plot, top_of

FLAT = [Point(number, 0.0, 2.0, 1.0 if number < 50 else 1.5) for number in range(1, 101)]


def test_a_plot_shows_ratio_bound_limit_and_moments() -> None:
    moments = [Moment(What.CERTAIN, 50, 0.0), Moment(What.ARMED, 50, 0.0), Moment(What.RELEASED, 100, 0.0)]
    assert plot(FLAT, moments, 1.2, width=27) == [
        " 2.10┤",
        "     │ ⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉",
        "     │",
        "     │",
        "     │",
        "     │",
        "     │           ━━━━━━━━━━",
        "     │",
        "     │",
        " 1.20┤ ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄",
        "     │",
        " 1.00┤ ▁▁▁▁▁▁▁▁▁▁",
        "                 CT       R",
        "       0    100 predictions",
        "",
        "       ⠶ ratio   ━ its lower bound   ┄ the limit",
        "       C certain   T throttled   R released",
    ]


def test_no_line_of_the_plot_is_wider_than_it_may_be() -> None:
    lines = plot(FLAT * 30, [Moment(What.EPOCH, 100, 0.0)] * 200, None, width=40)
    assert max(map(len, lines[: ROWS + 2])) == 40


@pytest.mark.parametrize(
    ("at", "marks"),
    [
        ([1, 1, 1], "wCR"),
        ([50, 100, 100], "          w       CR"),
        ([100, 100, 100], "                 wCR"),
        ([96, 99, 100], "                 wCR"),
    ],
)
def test_marks_keep_their_order_where_they_fall_together(at: list[int], marks: str) -> None:
    whats = (What.WARNED, What.CERTAIN, What.RELEASED)
    moments = [Moment(what, predictions, 0.0) for what, predictions in zip(whats, at, strict=True)]
    assert plot(FLAT, moments, 1.2, width=27)[ROWS] == f"       {marks}"


def test_without_points_there_is_nothing_to_plot() -> None:
    assert plot([], [], 1.5) == []


def test_before_anything_is_known_the_axes_are_there() -> None:
    lines = plot([Point(1, 0.0, None, None)], [], 1.5)
    assert [line for line in lines if "┤" in line] == [" 1.72┤", f" 1.50┤ {'┄' * 71}", " 1.00┤"]


@pytest.mark.parametrize(
    ("ratios", "limit", "top"),
    [
        ([], None, 1.2),
        ([1.0] * 20, 1.5, 1.725),
        ([9.0] + [2.0] * 19, 1.5, 2.1),  # the first estimates are wild
        ([9.0] * 20, 1.5, 4.0),
    ],
)
def test_the_axis_ends_where_all_that_matters_is_seen(ratios: list[float], limit: float | None, top: float) -> None:
    points = [Point(number, 0.0, ratio, None) for number, ratio in enumerate(ratios)]
    assert top_of(points, limit) == pytest.approx(top)
