"""Lines of JSON members against a reader of another kind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.registry.importing.entries import NotRead
from sidecar.registry.importing.positions import JsonFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


def members(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield steps
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from members(inner, (*steps, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from members(inner, (*steps, index))


@given(_values)
def test_a_member_stands_on_the_line_where_a_printer_puts_it(tmp_path_factory: Any, value: Any) -> None:
    """With one value a line, values come in the order of a walk, and only closing brackets have lines of their own."""
    path: Path = tmp_path_factory.getbasetemp() / "value.json"
    text = json.dumps(value, indent=1, ensure_ascii=False)
    path.write_text(text)
    lines = [number for number, line in enumerate(text.splitlines(keepends=True), 1)]
    file = JsonFile(path)
    found = [file.line(steps) for steps in members(value) if len(steps) <= 6]
    assert found == sorted(found)
    assert len(set(found)) == len(found)
    assert set(found) <= set(lines) or any(symbol in text for symbol in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")


def test_places_are_told_by_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text('{"datasets": {\n  "a": {},\n\n  "b": {"parents": ["x",\n "y"]}}}\n')
    file = JsonFile(path)
    steps = [(), ("datasets", "a"), ("datasets", "b"), ("datasets", "b", "parents", 1), ("datasets", "b", "gone", "at")]
    assert [str(file.at(*each)) for each in steps] == [f"{path}:{line}" for line in (1, 2, 4, 5, 4)]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('{"a": 1,\n "b": 2,\n "a": 3}', ":3: the name 'a' stands twice in one object"),
        ('{"a": {"x": 1,\n "x": 2}}', ":2: the name 'x' stands twice in one object"),
        ('{\n"a": NaN}', ":2: is no JSON: "),
        ("[" * 100_000 + "]" * 100_000, ":1: is no JSON: "),
        ("", ":1: is no JSON: "),
        ('"\\ud800"', ":1: is no JSON: "),
    ],
)
def test_what_is_not_strictly_json_is_refused_with_its_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(NotRead) as refused:
        JsonFile(path)
    assert str(refused.value).startswith(f"{path}{what}")
