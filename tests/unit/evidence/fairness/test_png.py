"""The picture: what is drawn, by matplotlib's own account of it. What it looks like, only people can tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.fairness.course import Moment, What
from sidecar.evidence.fairness.png import PANELS_LIMIT, draw, picture
from tests.unit.evidence.fairness.reports import MODEL

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_panel_has_ratio_bound_limit_and_moments() -> None:
    (panel,) = picture([MODEL]).axes
    ratio, bound, limit, *moments = panel.lines
    assert list(ratio.get_ydata()) == [1.75] * 100
    assert list(bound.get_ydata())[:60] == [1 + n / 100 for n in range(1, 61)]
    assert list(limit.get_ydata()) == [1.5, 1.5]
    assert [line.get_xdata()[0] for line in moments] == [60, 60, 90]
    assert [text.get_text() for text in panel.texts] == ["certain", "throttled", "released"]
    assert panel.get_title(loc="left") == "Disparate impact of credit over 100 predictions"
    assert panel.get_ylim()[0] == 1.0


def test_words_that_would_meet_stand_below_each_other() -> None:
    (panel,) = picture([MODEL]).axes
    heights = {text.get_text(): text.xy[1] for text in panel.texts}
    assert heights["certain"] > heights["throttled"]
    assert heights["released"] == heights["certain"]


@pytest.mark.parametrize(
    ("moments", "held"),
    [
        ([(What.ARMED, 20), (What.RELEASED, 40), (What.ARMED, 70)], [(20, 40), (70, 100)]),
        ([(What.RELEASED, 40)], []),
        ([(What.ARMED, 20), (What.ARMED, 30), (What.RELEASED, 40)], [(20, 40)]),
    ],
)
def test_the_time_under_a_throttle_is_shaded(moments: list[tuple[What, int]], held: list[tuple[int, int]]) -> None:
    (panel,) = picture([replace(MODEL, moments=tuple(Moment(what, at, 0.0) for what, at in moments))]).axes
    assert [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in panel.patches] == held


def test_a_panel_for_each_model_up_to_a_limit() -> None:
    versions = [replace(MODEL, version=str(number)) for number in range(PANELS_LIMIT + 3)]
    assert len(picture(versions).axes) == PANELS_LIMIT


@pytest.mark.parametrize("changes", [{}, {"points": (), "moments": (), "limit": None}])
def test_a_picture_is_written(tmp_path: Path, changes: dict[str, object]) -> None:
    path = tmp_path / "fairness.png"
    draw([replace(MODEL, **changes)], path)  # type: ignore[arg-type]
    assert path.read_bytes().startswith(PNG)


def test_without_a_model_the_picture_is_empty_and_another_ending_is_refused(tmp_path: Path) -> None:
    draw([], tmp_path / "fairness.png")
    with pytest.raises(ValueError, match="docx"):
        draw([MODEL], tmp_path / "fairness.docx")
