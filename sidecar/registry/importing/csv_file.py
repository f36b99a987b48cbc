"""Data sets as a table: RFC 4180 with a header, one data set a row."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from sidecar.registry.importing.entries import Defaults, Entry, Line, NotRead, Problem, Read, dataset_body, read_text
from sidecar.registry.values import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "data_version"
COLUMNS = (KEY, "created", "consent_scopes", "parents", "source", "checksum")


def read_csv(path: Path, defaults: Defaults) -> Iterator[Read]:
    """Its rows, whatever the order of the columns. Raises NotRead, OSError."""
    text = read_text(path)
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, list[str]())
        _check_header(path, header)
        line = rows.line_num + 1
        for row in rows:
            if row:  # an empty line is none
                yield _read(header, row, Line(path, line), defaults)
            line = rows.line_num + 1
    except csv.Error as error:
        raise NotRead(f"{path}:{rows.line_num}: is no CSV: {error}") from None


def _check_header(path: Path, header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown or KEY not in header or len(set(header)) != len(header):
        what = f"{unknown[0]!r} is none" if unknown else f"{KEY} is missing, or a column stands twice"
        raise NotRead(f"{path}:1: the first line names columns, of {', '.join(COLUMNS)}: {what}")


def _read(header: list[str], row: list[str], line: Line, defaults: Defaults) -> Read:
    if len(row) != len(header):
        return Problem(line, f"has {len(row)} fields, and the first line names {len(header)}")
    texts = {name: field.strip() for name, field in zip(header, row, strict=True)}
    body, problems = dataset_body(texts, defaults)
    return Problem(line, "; ".join(problems)) if problems else Entry(Kind.DATASET, texts[KEY], body, line)
