"""Tables of data sets."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.registry.importing.csv_file import COLUMNS, read_csv
from sidecar.registry.importing.entries import Defaults, Entry, Line, NotRead, Problem
from sidecar.registry.values import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.registry.importing.entries import Read

DEFAULTS = Defaults(1.0, ("any",))


def read(folder: Path, text: str, defaults: Defaults = DEFAULTS) -> tuple[Path, list[Read]]:
    path = folder / "datasets.csv"
    path.write_text(text, newline="")
    return path, list(read_csv(path, defaults))


def test_rows_are_data_sets_whatever_the_order_of_columns(tmp_path: Path) -> None:
    text = (
        "consent_scopes,data_version,created,parents,source,checksum\r\n"
        "credit_scoring marketing,loans-2,2026-11-20,loans-1,s3://loans/2,sha256:ab\r\n"
        "\r\n"
        ',"loans-1",,"","a ""source"",\r\nof two lines",\r\n'
        " scope , loans-0 ,0,,,\r\n"
    )
    path, found = read(tmp_path, text)
    loans_2 = {
        "created_unix_s": 1_795_132_800.0,
        "consent_scopes": ["credit_scoring", "marketing"],
        "parents": ["loans-1"],
        "source": "s3://loans/2",
        "checksum": "sha256:ab",
    }
    loans_1 = {
        "created_unix_s": 1.0,
        "consent_scopes": ["any"],
        "parents": [],
        "source": 'a "source",\r\nof two lines',
    }
    loans_0 = {"created_unix_s": 0.0, "consent_scopes": ["scope"], "parents": []}
    assert found == [
        Entry(Kind.DATASET, "loans-2", loans_2, Line(path, 2)),
        Entry(Kind.DATASET, "loans-1", loans_1, Line(path, 4)),
        Entry(Kind.DATASET, "loans-0", loans_0, Line(path, 6)),
    ]


def test_a_bad_row_is_told_with_its_line_and_the_others_are_read(tmp_path: Path) -> None:
    path, found = read(tmp_path, "data_version,created\na,soon\nb,2026-11-20\nc\nd,1,2\n")
    problems = [one for one in found if isinstance(one, Problem)]
    assert [one.key for one in found if isinstance(one, Entry)] == ["b"]
    assert [str(one) for one in problems] == [
        f"{path}:2: created: 'soon' is no time: write 2026-11-20, 2026-11-20T13:00:00Z or 1795179600",
        f"{path}:4: has 1 fields, and the first line names 2",
        f"{path}:5: has 3 fields, and the first line names 2",
    ]


@pytest.mark.parametrize(
    ("header", "what"),
    [
        ("created", "data_version is missing, or a column stands twice"),
        ("data_version,created,created", "data_version is missing, or a column stands twice"),
        ("data_version,owner", "'owner' is none"),
        ("", "data_version is missing, or a column stands twice"),
    ],
)
def test_the_first_line_names_columns(tmp_path: Path, header: str, what: str) -> None:
    with pytest.raises(NotRead) as refused:
        read(tmp_path, header + "\n")
    assert str(refused.value) == (
        f"{tmp_path}/datasets.csv:1: the first line names columns, of "
        f"data_version, created, consent_scopes, parents, source, checksum: {what}"
    )


def test_an_open_quote_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(NotRead, match=r"datasets\.csv:3: is no CSV: unexpected end of data"):
        read(tmp_path, 'data_version,created\na,1\nb,"1\n')


_words = st.lists(st.text("abc-123", min_size=1), max_size=3)
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "data_version": st.text("abc-\"',;", min_size=1),
            "created": st.integers(0, 2**33).map(str),
            "consent_scopes": _words.map(" ".join),
            "parents": _words.map(" ".join),
            "source": st.text(st.characters(codec="utf-8", exclude_characters="\0")),
            "checksum": st.text("ab,\n"),
        }
    )
)


@given(_rows, st.permutations(COLUMNS), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_what_a_csv_writer_writes_is_read(tmp_path_factory: Any, rows: Any, order: Any, quoting: Any) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, order, quoting=quoting)
    writer.writeheader()
    writer.writerows(rows)
    _, found = read(tmp_path_factory.getbasetemp(), text.getvalue())
    assert [one.key for one in found if isinstance(one, Entry)] == [row["data_version"].strip() for row in rows]
    bodies = [one.body for one in found if isinstance(one, Entry)]
    assert bodies == [
        {
            "created_unix_s": float(row["created"]),
            "consent_scopes": row["consent_scopes"].split() or ["any"],
            "parents": row["parents"].split(),
            **{name: row[name].strip() for name in ("source", "checksum") if row[name].strip()},
        }
        for row in rows
    ]
