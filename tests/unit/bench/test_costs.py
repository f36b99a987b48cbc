from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.costs import history
from bench.costs.callgrind import by_object

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = """\
# callgrind format
version: 1
positions: line
events: Ir
summary: 62

ob=(1) /usr/bin/python3
fl=(1) ceval.c
fn=(1) eval
10 20
+3 5
cob=(2) /lib/libc.so.6
cfn=(2) memcpy
calls=3 40
* 30
* 7

ob=(2)
fn=(2)
40 30
totals: 62
"""


def costs(**totals: int) -> dict[str, Any]:
    return {"commit": "abc", "instructions": {series: {"total": total} for series, total in totals.items()}}


def test_an_object_counts_what_it_executed_itself() -> None:
    assert by_object(COUNTS.splitlines()) == {"python3": 32, "libc.so.6": 30}


@pytest.mark.parametrize(("total", "is_dearer"), [(1_000, False), (1_029, False), (1_031, True), (500, False)])
def test_what_takes_more_instructions_is_found(total: int, is_dearer: bool) -> None:
    found = list(history.dearer(costs(new=total), costs(new=1_000)))
    assert found == (["new: 1,031 instructions an exchange, 3% more than at abc"] if is_dearer else [])


def test_a_series_that_was_not_measured_before_is_not_dearer() -> None:
    assert list(history.dearer(costs(new=9_000), costs(returning=1))) == []


def test_the_history_grows_by_a_line(tmp_path: Path) -> None:
    file = tmp_path / "results" / "micro.jsonl"
    assert history.last(file) is None
    for total in (1, 2):
        history.append(file, history.entry(costs(new=total), tmp_path))
    newest = history.last(file)
    assert newest is not None
    assert newest["instructions"] == {"new": {"total": 2}}
    assert len(file.read_text().splitlines()) == 2
