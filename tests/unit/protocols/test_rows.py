from __future__ import annotations

import pytest

from sidecar.model.facts import parse_reader
from sidecar.protocols.rows import ABSENT, OneRow, cell, cells, columns_of, member, rows_of
from sidecar.protocols.strict_json import Malformed


@pytest.mark.parametrize(
    ("row", "reader", "value"),
    [
        ({"a": 1}, "output:a", 1),
        ({"a": None}, "output:a", None),
        ({"a": [5]}, "output:a", 5),
        ({"a": [5, 6]}, "output:a[1]", 6),
        ({"a": {"b": 1}}, "output:a", {"b": 1}),
        ({"rows": 3}, "output:rows", 3),
        (0.5, "output:rows", 0.5),
        ([0.5], "output:rows", 0.5),
        ([0.4, 0.6], "output:rows[1]", 0.6),
        ({"a": 1}, "output:b", ABSENT),
        ({"a": 1}, "output:a[0]", ABSENT),
        ({"a": [5, 6]}, "output:a", ABSENT),
        ({"a": [5, 6]}, "output:a[2]", ABSENT),
        ({"a": []}, "output:a", ABSENT),
        (0.5, "output:a", ABSENT),
        (0.5, "output:rows[0]", ABSENT),
        ([], "output:rows[0]", ABSENT),
    ],
)
def test_cell(row: object, reader: str, value: object) -> None:
    assert cell(row, parse_reader(reader), "rows") == value


def test_a_plain_row_has_no_member_where_its_array_has_no_name() -> None:
    assert (member(1, "a"), member([1], "a"), member({"a": 2}, "a")) == (ABSENT, ABSENT, 2)


@pytest.mark.parametrize(
    ("rows", "values"),
    [
        ([{"a": 1}, {"a": [2]}], [1, 2]),
        ([{"a": None}], [None]),
        ([{"a": 1}, {}], ()),
        ([{"a": 1}, {"a": [2, 3]}], ()),
        ([{"a": [2, 3]}, {"a": []}], ()),
        ([{}, 0.5], None),
        ([], None),
    ],
)
def test_cells_are_one_a_row_or_none(rows: list[object], values: object) -> None:
    assert cells(rows, parse_reader("output:a"), "rows") == values


@pytest.mark.parametrize(
    ("document", "rows"), [({"a": [1]}, [1]), ({"a": []}, []), ({"a": {}}, ()), ({}, ()), ([1], ()), ("a", ())]
)
def test_rows_of(document: object, rows: object) -> None:
    assert rows_of(document, "a") == rows


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ([{"a": 1, "b": "x"}, {"b": "y", "a": 2}], {"a": [1, 2], "b": ["x", "y"]}),
        ([{}], {}),
        ([], None),
        ([1], None),
        ([{"a": 1}, 1], None),
        ([{"a": 1}, {"a": 1, "b": 2}], None),
    ],
)
def test_columns_of_objects_alike(rows: list[object], columns: object) -> None:
    assert columns_of(rows) == columns


def test_an_answer_of_one_row_has_one_value() -> None:
    answer = {"a": [5], "b": {"c": 1}}
    assert OneRow().column(answer, parse_reader("output:a")) == (5,)
    assert OneRow().whole(answer, parse_reader("output:b")) == {"c": 1}
    assert OneRow().whole(answer, parse_reader("output:c")) is ABSENT
    for reader in ("output:c", "output:a[1]"):
        with pytest.raises(Malformed, match="the answer has no such value"):
            OneRow().column(answer, parse_reader(reader))
