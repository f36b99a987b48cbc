from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.authoring.vectors import Vector, changed, read_vectors

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED = {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5}
BASE = {"data": {"models": {"m": {"a": 1}}}, "request": {"x": 1, "list": [1, 2]}, "response": {"y": 2}}
GOOD = {"name": "allows", "input": {"base": "request"}, "expected": ALLOWED}


def folder(path: Path, *vectors: object, base: object = BASE) -> Path:
    (path / "base.json").write_text(json.dumps(base))
    (path / "some.json").write_text(json.dumps(vectors, indent=1))
    return path


def told(path: Path) -> list[tuple[str, int, str]]:
    return [(one.file.rpartition("/")[2], one.row, one.message) for one in read_vectors(path).findings]


def test_a_vector_is_the_base_with_its_changes(tmp_path: Path) -> None:
    shape = {
        "name": "denies",
        "data": {"set": {"models/m/b": 2}, "delete": ["models/m/a"]},
        "policy": {"delete": ["guards/x.rego"]},
        "input": {"base": "response", "set": {"list/1": 9, "y": {}}, "delete": ["x"]},
        "expected": ALLOWED,
    }
    found = read_vectors(folder(tmp_path, GOOD, shape))
    assert found.findings == ()
    assert found.vectors[1] == Vector(
        name="denies",
        file=str(tmp_path / "some.json"),
        row=found.vectors[1].row,
        query="decision",
        policy={"delete": ["guards/x.rego"]},
        data={"models": {"m": {"b": 2}}},
        input={"list": [1, 9], "y": {}},
        expected=ALLOWED,
    )
    assert [vector.row for vector in found.vectors] == [3, 16]
    assert found.vectors[0].setting != found.vectors[1].setting


def test_a_batch(tmp_path: Path) -> None:
    shape = {"name": "two", "query": "decisions", "input": {"items": [{"base": "request"}] * 2}, "expected": {"0": {}}}
    [vector] = read_vectors(folder(tmp_path, shape)).vectors
    assert (vector.query, vector.input, vector.expected) == ("decisions", {"items": [BASE["request"]] * 2}, {"0": {}})


@pytest.mark.parametrize(
    ("shape", "problem"),
    [
        (1, "vector 1: must be an object"),
        ({**GOOD, "more": 1}, "vector allows: more: not known here"),
        ({"name": "allows"}, "vector allows: expected, input: missing"),
        ({**GOOD, "query": "facts"}, "vector allows: query must be one of decision, decisions"),
        ({**GOOD, "expected": {"allow": "yes"}}, "vector allows: expected is no decision: "),
        ({**GOOD, "expected": {"allow": False}}, "vector allows: expected is no decision: "),
        ({**GOOD, "input": {"base": "answer"}}, "vector allows: input.base must be request or response"),
        (
            {**GOOD, "input": {"base": "request", "delete": ["z"]}},
            "vector allows: a path in it leads nowhere: KeyError('z')",
        ),
        ({**GOOD, "data": {"set": {"models/n/a": 1}}}, "vector allows: a path in it leads nowhere: KeyError('n')"),
        ({**GOOD, "input": {"base": "request", "set": {"list/x": 1}}}, "vector allows: a path in it leads nowhere: "),
    ],
)
def test_what_is_no_vector_is_told_and_the_others_stay(shape: object, problem: str, tmp_path: Path) -> None:
    found = read_vectors(folder(tmp_path, shape, {**GOOD, "name": "last"}))
    [finding] = found.findings
    assert finding.message.startswith(problem)
    assert [vector.name for vector in found.vectors] == ["last"]


def test_a_folder_with_nothing_in_it_is_a_finding(tmp_path: Path) -> None:
    assert told(tmp_path) == [("base.json", 0, "cannot be read: No such file or directory")]
    (tmp_path / "base.json").write_text(json.dumps(BASE))
    assert told(tmp_path) == [(tmp_path.name, 0, "holds no vectors")]


@pytest.mark.parametrize("base", [[], {}, {**BASE, "data": None}])
def test_a_base_that_is_none_is_a_finding(base: object, tmp_path: Path) -> None:
    [(file, _, message)] = told(folder(tmp_path, GOOD, base=base))
    assert (file, message.startswith("must be an object with the object ")) == ("base.json", True)


@pytest.mark.parametrize(
    ("text", "row", "message"), [("[\n{]", 2, "is no JSON"), ("{}", 0, "must be a list of vectors")]
)
def test_a_file_that_is_none_is_a_finding(text: str, row: int, message: str, tmp_path: Path) -> None:
    folder(tmp_path, GOOD)
    (tmp_path / "other.json").write_text(text)
    [found] = told(tmp_path)
    assert (found[0], found[1], found[2].startswith(message)) == ("other.json", row, True)


DOCUMENTS = st.recursive(st.integers(), lambda below: st.dictionaries(st.text("ab", min_size=1), below, max_size=3))


@given(st.dictionaries(st.text("ab", min_size=1), DOCUMENTS, min_size=1, max_size=3), st.integers())
def test_a_change_leaves_the_document_as_it_was(document: dict[str, Any], value: int) -> None:
    before = json.dumps(document)
    key = next(iter(document))
    assert changed(document, {"set": {key: value}}) == document | {key: value}
    assert changed(document, {"delete": [key]}) == {name: document[name] for name in document if name != key}
    assert json.dumps(document) == before
