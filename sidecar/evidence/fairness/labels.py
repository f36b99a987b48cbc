"""True outcomes that came in later, from a file: what equal opportunity and equalized odds need.

CSV with the columns `decision_id`, `label` and, for requests of several instances, `instance` (from 0); or JSON lines
with those members. A label is 1, 0, true or false: whether the positive outcome would have been right.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_TRUTHS = {"1": True, "true": True, "0": False, "false": False}

Labels = dict[tuple[str, int], bool]
"""By decision id and instance."""


def read_labels(path: Path) -> Labels:
    """All labels in a file. Raises ValueError with the line of the first that is none, OSError."""
    labels: Labels = {}
    for line, row in _rows(path):
        try:
            key, label = _label(row)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}, line {line}: no label: {error}") from None
        if labels.setdefault(key, label) is not label:
            raise ValueError(f"{path}, line {line}: decision {key[0]}, instance {key[1]} has another label before")
    return labels


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            reader = csv.DictReader(file)
            yield from ((reader.line_num, row) for row in reader)
            return
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, _parsed(path, number, line)


def _parsed(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        return orjson.loads(line)
    except ValueError as error:
        raise ValueError(f"{path}, line {number}: neither JSON lines nor a .csv file: {error}") from None


def _label(row: Mapping[str, Any]) -> tuple[tuple[str, int], bool]:
    spelt = str(row["label"]).strip().lower()
    if spelt not in _TRUTHS:
        raise ValueError(f"{spelt!r} is none of 1, 0, true, false")
    decision_id = str(row["decision_id"]).strip().lower()
    return (decision_id, int(row.get("instance") or 0)), _TRUTHS[spelt]
