from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.policy import compiling
from sidecar.policy.compiling import Compiler, EmbeddedCompiler, OpaCompiler, find_compiler, opa_problems
from sidecar.policy.compose import compose, load_modules
from sidecar.policy.opa_check import write_files
from sidecar.policy.problems import PolicyProblems
from tests.policies import REGO, opa_binary

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["opa", "embedded"])
def compiler(request: pytest.FixtureRequest) -> Compiler:
    return OpaCompiler(opa_binary()) if request.param == "opa" else EmbeddedCompiler()


def test_the_shipped_policy_compiles(compiler: Compiler) -> None:
    assert compiler.problems(compose(load_modules(REGO)).policies) == []


@pytest.mark.parametrize(
    "text",
    [
        "package lib.x\n\np := time.now_ns()\n",
        'package lib.x\n\np := http.send({"url": "x"})\n',
        "package lib.x\n\np := q\n\nq := p\n",
        "package lib.x\n\np = {\n",
    ],
    ids=["clock", "network", "recursion", "syntax"],
)
def test_what_an_engine_may_not_have_is_found_by_either(text: str, compiler: Compiler) -> None:
    found = compiler.problems({"lib/x/x.rego": text})
    assert found != []
    assert all(problem.startswith("lib/x/x.rego:") for problem in found)


def test_opa_is_taken_where_it_is_then_the_embedded_engine_then_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise PolicyProblems(["the embedded engine is not installed"])

    assert isinstance(find_compiler(), OpaCompiler)
    monkeypatch.setattr(compiling, "find_opa", lambda: None)
    assert isinstance(find_compiler(), EmbeddedCompiler)
    monkeypatch.setattr(compiling, "Regorus", missing)
    with pytest.raises(PolicyProblems, match="install OPA; or the embedded engine is not installed"):
        find_compiler()


def test_builtins_are_restricted_where_it_is_asked(tmp_path: Path) -> None:
    write_files(tmp_path, {"a.rego": 'package a\n\np := http.send({"url": input.url})\n'})
    assert opa_problems(opa_binary(), tmp_path, restricted=False) == []
    assert opa_problems(opa_binary(), tmp_path, restricted=True) == ["a.rego:3: undefined function http.send"]


def test_a_compiler_that_hangs_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "opa"
    binary.write_text("#!/bin/sh\nexec sleep 60\n")
    binary.chmod(0o755)
    monkeypatch.setattr(compiling, "CHECK_LIMIT_S", 0.05)
    assert OpaCompiler(binary).problems({}) == ["`opa check` took too long"]
