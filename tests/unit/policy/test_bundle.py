from __future__ import annotations

import io
import json
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.policy.bundle import REVISION_LENGTH, Bundle, build
from sidecar.policy.compose import GENERATED_PATH
from sidecar.policy.problems import PolicyProblems
from tests.policies import DATA, REGO

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def data_file(tmp_path: Path) -> Path:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(DATA))
    return path


def test_the_shipped_rules_with_data(data_file: Path) -> None:
    built = build(REGO, data_file)
    assert GENERATED_PATH in built.modules
    assert "guards/consent/request/consent.rego" in built.modules
    assert not [path for path in built.modules if path.endswith("_test.rego")]
    assert json.loads(built.data_json) == DATA
    assert built.absent == ()
    assert len(built.revision) == REVISION_LENGTH
    assert int(built.revision, 16)


def test_without_data_there_are_no_models() -> None:
    assert build(REGO, None).data_json == b"{}"


def test_the_archive_is_what_opa_reads_and_always_the_same(data_file: Path) -> None:
    built = build(REGO, data_file)
    with tarfile.open(fileobj=io.BytesIO(built.archive())) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    manifest = json.loads(files.pop(".manifest"))
    assert manifest == {"revision": built.revision, "roots": [""], "rego_version": 1}
    assert files == {path: text.encode() for path, text in built.modules.items()} | {"data.json": built.data_json}
    assert built.archive() == replace(built).archive()


def test_the_revision_is_the_content(data_file: Path, tmp_path: Path) -> None:
    first = build(REGO, data_file)
    data_file.write_text(json.dumps(DATA, indent=4))
    assert build(REGO, data_file).revision == first.revision
    data_file.write_text(json.dumps(DATA | {"group_mean": {"credit": {"a": 0.51}}}))
    changed = build(REGO, data_file)
    assert changed.revision != first.revision
    assert Bundle(first.revision, first.modules, first.data_json, ()) == first


@pytest.mark.parametrize("content", ["", "{", '{"a": NaN}'])
def test_data_that_is_no_json(content: str, tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(content)
    with pytest.raises(PolicyProblems) as raised:
        build(REGO, path)
    (problem,) = raised.value.problems
    assert problem.startswith(f"{path}: ")


def test_all_that_is_wrong_comes_at_once(tmp_path: Path) -> None:
    root = tmp_path / "rego"
    (root / "guards").mkdir(parents=True)
    (root / "guards" / "a.rego").write_text("package sidecar\n")
    (root / "guards" / "b.rego").write_text("nothing\n")
    with pytest.raises(PolicyProblems) as raised:
        build(root, tmp_path / "none.json")
    told = " ".join(raised.value.problems)
    assert all(name in told for name in ("none.json", "a.rego", "b.rego"))


def test_data_under_another_key_is_refused(tmp_path: Path) -> None:
    """In a trial such data replaced the decision itself."""
    path = tmp_path / "data.json"
    path.write_text('{"sidecar": {"decision": {"allow": true}}}')
    with pytest.raises(PolicyProblems, match="sidecar"):
        build(REGO, path)


def test_a_fallback_that_no_guard_computes_is_a_problem(tmp_path: Path) -> None:
    mitigation = {"fairness_band": {"action": "fallback", "by": "staleness"}}
    models: Any = DATA["models"]
    path = tmp_path / "data.json"
    path.write_text(json.dumps({**DATA, "models": {"credit": models["credit"] | {"mitigation": mitigation}}}))
    with pytest.raises(PolicyProblems) as raised:
        build(REGO, path)
    told = "staleness computes no fallback; give outputs, or in `by` a guard that does"
    assert raised.value.problems == (f"{path}: models.credit.mitigation.fairness_band: {told}",)


def test_no_directory_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(PolicyProblems):
        build(tmp_path / "none", None)


def test_an_absent_shipped_guard_is_told_apart_from_a_broken_policy(tmp_path: Path) -> None:
    (tmp_path / "own.rego").write_text("package guards.own.request\n\ndefault pass := false\n")
    built = build(tmp_path, None)
    assert "consent.request" in built.absent
