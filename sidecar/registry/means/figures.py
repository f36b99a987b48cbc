"""What predictions come to: DuckDB's part.

A log has more predictions than memory holds, and each must count once though copies of a log repeat it: that is a
grouping by decision and instance, which DuckDB does in bounded memory and beyond it on disk. Rows reach it as a
temporary file of comma-separated values: 400,000 a second (prepared inserts: 1,000), no Arrow, and nothing of it stays
in this process. Groups go as numbers, so that no text of a client is ever part of the file.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from sidecar.registry.means.predictions import NO_SCORE, NOT_RELEASED, OTHER_GROUP

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sidecar.registry.means.predictions import Prediction
    from sidecar.registry.values import Json

QUERY_VERSION = 1
"""Rises when the same predictions would come to other figures."""
MEMORY_LIMIT = "256MB"
"""DuckDB's; what does not fit goes to its temporary folder."""
LEVEL = 0.95
_Z = 1.959963984540054
"""The normal distribution's 0.975 quantile: the interval of a mean of some dozens of scores or more."""
_DIGITS = 12
"""Significant ones: what is beyond depends on the order of summing, and two people must come to the same figures."""

_COPY = """
CREATE TABLE prediction AS SELECT * FROM read_csv($path, header = false, auto_detect = false, delim = ',', columns = {
    'decision_id': 'UUID', 'instance': 'INTEGER', 'place': 'INTEGER', 'score': 'DOUBLE'})
"""
_SUM_UP = """
WITH once AS (
    SELECT min(place) AS place, min(score) AS score, count(*) AS copies,
           min(place) <> max(place) OR min(score) <> max(score) AS differs
    FROM prediction GROUP BY decision_id, instance)
SELECT place, count(*), favg(score), stddev_samp(score), sum(copies - 1), sum(differs::INTEGER)
FROM once GROUP BY place
"""


class Contradiction(Exception):
    """Two logs tell otherwise of the same prediction, or scores are beyond what can be added up."""


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """Released predictions of one group, in the unit of the score. `stddev` is the sample's (n - 1)."""

    n: int
    mean: float
    stddev: float

    @property
    def interval(self) -> tuple[float, float]:
        """Of the mean, at `LEVEL`, by the normal distribution; good for one look, as a proposal is."""
        margin = _Z * self.stddev / math.sqrt(self.n)
        return _rounded(self.mean - margin), _rounded(self.mean + margin)

    def as_json(self) -> Json:
        """As evidence."""
        lower, upper = self.interval
        return {"n": self.n, "mean": self.mean, "stddev": self.stddev, "lower": lower, "upper": upper}


@dataclass(frozen=True, slots=True)
class Figures:
    """By group; a group with fewer than two predictions is in `few` instead, with their number.

    The rest counts predictions that do not enter, and `repeated` how often one came again in another copy.
    """

    groups: dict[str, GroupFigures]
    few: dict[str, int]
    other_groups: int
    without_score: int
    not_released: int
    repeated: int

    def left_out(self) -> Json:
        """As evidence."""
        return {
            "other_groups": self.other_groups,
            "without_score": self.without_score,
            "not_released": self.not_released,
            "repeated": self.repeated,
        }


def figures(found: Iterable[Prediction], groups: Sequence[str], folder: Path | None = None) -> Figures:
    """Each prediction counts once by decision id and instance, whatever log it came from. Raises Contradiction.

    `groups`: those of `Wanted`. `folder`: where temporary files go (some 60 bytes a prediction, and as much again while
    they are summed up); None: the system's.
    """
    with TemporaryDirectory(prefix="sidecar-means-", dir=folder) as work:
        path = Path(work) / "predictions.csv"
        with path.open("w", newline="") as file:
            csv.writer(file).writerows((one.decision_id, one.instance, one.place, one.score) for one in found)
        rows = _summed_up(path, Path(work))
    return _figures({row[0]: row for row in rows}, groups)


_Row = tuple[int, int, float, float | None, int, int]


def _summed_up(path: Path, work: Path) -> list[_Row]:
    # One thread: it sums in the same order each time.
    with duckdb.connect(
        work / "predictions.duckdb",
        config={"memory_limit": MEMORY_LIMIT, "threads": 1, "temp_directory": str(work / "spilled")},
    ) as database:
        database.execute(_COPY, {"path": str(path)})
        return database.execute(_SUM_UP).fetchall()


def _figures(rows: dict[int, _Row], groups: Sequence[str]) -> Figures:
    if differing := sum(int(row[5]) for row in rows.values()):
        raise Contradiction(f"{differing:,} predictions are told otherwise in two logs: one of them is forged")
    counts = {place: row[1] for place, row in rows.items()}
    named = [(group, place) for place, group in enumerate(groups)]
    return Figures(
        groups={group: _of_group(group, rows[place]) for group, place in named if counts.get(place, 0) > 1},
        few={group: counts.get(place, 0) for group, place in named if counts.get(place, 0) <= 1},
        other_groups=counts.get(OTHER_GROUP, 0),
        without_score=counts.get(NO_SCORE, 0),
        not_released=counts.get(NOT_RELEASED, 0),
        repeated=sum(int(row[4]) for row in rows.values()),
    )


def _of_group(group: str, row: _Row) -> GroupFigures:
    _, n, mean, stddev, _, _ = row
    if stddev is None or not math.isfinite(mean) or not math.isfinite(stddev):
        raise Contradiction(f"the scores of group {group} are too large to be added up")
    return GroupFigures(n, _rounded(mean), _rounded(stddev))


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
