from __future__ import annotations

import pytest

from sidecar.authoring import compiling
from sidecar.authoring.compiling import ByEmbedded, ByOpa, Compiler, find_compiler
from sidecar.authoring.opa import NoOpa, Opa
from sidecar.policy.compose import compose, load_modules
from tests.policies import REGO
from tests.unit.authoring.policies import opa


@pytest.fixture(params=["opa", "embedded"])
def compiler(request: pytest.FixtureRequest) -> Compiler:
    return ByOpa(opa()) if request.param == "opa" else ByEmbedded()


def test_the_shipped_policy_compiles(compiler: Compiler) -> None:
    assert compiler.problems(compose(load_modules(REGO)).policies) == []


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("package lib.x\n\np := time.now_ns()\n", 3),
        ('package lib.x\n\np := http.send({"url": "x"})\n', 3),
        ("package lib.x\n\np := q\n\nq := p\n", None),
        ("package lib.x\n\np = {\n", None),
    ],
    ids=["clock", "network", "recursion", "syntax"],
)
def test_what_an_engine_may_not_have_is_found_by_either(text: str, row: int | None, compiler: Compiler) -> None:
    found = compiler.problems({"lib/x/x.rego": text})
    assert {one.file for one in found} == {"lib/x/x.rego"}
    assert row in (None, *[one.row for one in found])


def test_opa_is_taken_where_it_is_then_the_embedded_engine_then_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Opa:
        raise NoOpa("there is none")

    assert isinstance(find_compiler(), ByOpa)
    monkeypatch.setattr(compiling.Opa, "find", none)
    assert isinstance(find_compiler(), ByEmbedded)
    monkeypatch.setattr(compiling, "has_embedded", lambda: False)
    with pytest.raises(NoOpa):
        find_compiler()
