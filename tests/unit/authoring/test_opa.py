from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.authoring import opa as room
from sidecar.authoring.findings import Finding
from sidecar.authoring.opa import NoOpa, NotRun, Opa
from tests.unit.authoring.policies import opa, written

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = "package x\n\ny = {\n"


def test_the_format_is_opas(tmp_path: Path) -> None:
    written(tmp_path, **{"good.rego": "package good\n", "bad.rego": "package   bad\n"})
    expected = [Finding("format", "is not as `opa fmt` writes it", "bad.rego")]
    assert opa().unformatted(tmp_path, ["bad.rego", "good.rego"]) == expected
    assert opa().unformatted(tmp_path, []) == []


def test_what_does_not_compile_is_told_file_by_file(tmp_path: Path) -> None:
    written(tmp_path, **{"a.rego": BROKEN, "b/b.rego": "package b\n\np := q\n"})
    found = opa().compiled(tmp_path, restricted=True)
    assert ("a.rego", 4) in {(one.file, one.row) for one in found}
    written(tmp_path, **{"a.rego": "package a\n"})
    assert opa().compiled(tmp_path, restricted=True) == [Finding("compile", "var q is unsafe", "b/b.rego", 3)]


def test_builtins_are_restricted_where_it_is_asked(tmp_path: Path) -> None:
    written(tmp_path, **{"a.rego": 'package a\n\np := http.send({"url": input.url})\n'})
    assert opa().compiled(tmp_path, restricted=False) == []
    expected = [Finding("compile", "undefined function http.send", "a.rego", 3)]
    assert opa().compiled(tmp_path, restricted=True) == expected


def test_trees_are_had_of_what_parses(tmp_path: Path) -> None:
    written(tmp_path, **{"a.rego": "package a\n", "b.rego": BROKEN})
    trees = opa().trees(tmp_path, ["a.rego", "b.rego"])
    assert [*trees] == ["a.rego"]
    assert trees["a.rego"]["package"]["path"][-1]["value"] == "a"


def test_results_and_coverage_of_tests(tmp_path: Path) -> None:
    written(
        tmp_path,
        **{"a.rego": "package a\n\np := 1\n\nq := 2\n", "a_test.rego": "package a_test\n\ntest_p if data.a.p == 1\n"},
    )
    [result] = opa().test_results(tmp_path)
    assert (result["name"], result["location"]["row"], result.get("fail")) == ("test_p", 3, None)
    assert {one["start"]["row"] for one in opa().coverage(tmp_path)["a.rego"]["not_covered"]} == {5}


def test_tests_that_do_not_compile_do_not_run(tmp_path: Path) -> None:
    written(tmp_path, **{"a_test.rego": BROKEN})
    with pytest.raises(NotRun, match="rego_parse_error"):
        opa().test_results(tmp_path)


def test_without_opa_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_opa", lambda: None)
    with pytest.raises(NoOpa, match="run scripts/install-opa"):
        Opa.find()
