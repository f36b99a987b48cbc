from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import cell, percentile, plot, table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("percent", "value"), [(0, 10.0), (50, 20.0), (75, 30.0), (99, 40.0), (100, 40.0)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile([10.0, 20.0, 30.0, 40.0], percent) == value


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(min_value=0, max_value=100))
def test_a_percentile_is_exceeded_by_no_more_than_the_rest(values: list[float], percent: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert sum(value <= found for value in ordered) >= math.floor(len(ordered) * percent / 100)
    assert found in ordered


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile([], 50)


def test_a_table_is_markdown() -> None:
    assert table(["what", "how many"], [["calls", 12_345], ["share", 0.25], ["lost", None]]) == (
        "| what | how many |\n| --- | ---: |\n| calls | 12,345 |\n| share | 0.25 |\n| lost | - |"
    )


def test_a_row_has_a_cell_for_each_head() -> None:
    with pytest.raises(ValueError, match="zip"):
        table(["one", "two"], [["alone"]])


@pytest.mark.parametrize(("value", "text"), [(1.234, "1.23"), (12.34, "12.3"), (1234.5, "1,234"), (7, "7"), ("a", "a")])
def test_a_cell_has_three_digits_or_so(value: object, text: str) -> None:
    assert cell(value) == text


def test_a_plot_of_the_same_figures_is_the_same_file(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        with plot(folder / "plot.svg") as axes:
            axes.plot([1, 2], [3, 4])
    assert (tmp_path / "a" / "plot.svg").read_bytes() == (tmp_path / "b" / "plot.svg").read_bytes() != b""
