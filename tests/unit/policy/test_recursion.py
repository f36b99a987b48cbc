from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.policy.binding import Regorus
from sidecar.policy.compose import compose, load_modules
from sidecar.policy.recursion import recursive_rules
from tests.bindings import binding
from tests.policies import REGO

__all__ = ["binding"]  # a fixture
pytestmark = pytest.mark.usefixtures("binding")


def tree_of(*texts: str) -> list[dict[str, Any]]:
    engine = Regorus().engine
    for index, text in enumerate(texts):
        engine.add_policy(f"p{index}.rego", text)
    tree: list[dict[str, Any]] = json.loads(engine.get_ast_as_json())
    return tree


@pytest.mark.parametrize(
    "text",
    [
        "p if p",
        "p := p + 1",
        "p(x) := p(x)",
        "p(x) if data.a.p(x)",
        'p(x) if data["a"].p(x)',
        "p contains x if some x in p",
        "p := [x | x := p[0]]",
        "p := 1 if input.x else := p",
        "p if not p",
        "p if every x in input.l { p[x] }",
        "p if input.x == 1 with input.x as p",
        "p := data[input.x]",
        "p := data.a[input.x]",
        "p := data.b[data.a.p]",
        "p.q(x) := data.a.p.q(x)",
        "import data.a as b\np := b.p",
        "import data.a.p as b\np := b",
    ],
)
def test_a_rule_that_asks_itself_is_found(text: str) -> None:
    assert [problem.partition(": ")[2].split()[0] for problem in recursive_rules(tree_of("package a\n\n" + text))] in (
        ["a.p"],
        ["a.p.q"],
    )


def test_a_cycle_through_packages_names_each_rule() -> None:
    one = "package a\n\np(x) := data.b.q(x)\n"
    other = "package b\n\nimport data.a\n\nq(x) := a.p(x)\n\nr := q(1)\n"
    assert recursive_rules(tree_of(one, other)) == [
        "p0.rego:3: a.p depends on itself",
        "p1.rego:5: b.q depends on itself",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "p if q\nq if input.x",
        "p(x) := x\nq := p(p(1))",
        "p if { q := 1; q == 1 }\nq if p",
        "p if { some q in input.l; q == 1 }\nq if p",
        "p if { some q, r; input[q] == r }\nq if p\nr if p",
        "p if every q, r in input.l { q > r }\nq if p\nr if p",
        "p(q) := q\nq := p(1)",
        "p := input.p",
        "p := data.models[input.x]",
        "p.q := 1\np.r := data.a.p.q",
        "default p := false\np if input.x",
    ],
)
def test_rules_that_only_look_alike_are_left_alone(text: str) -> None:
    assert recursive_rules(tree_of("package a\n\n" + text)) == []


def test_the_shipped_rules_do_not_recurse() -> None:
    policies = compose(load_modules(REGO)).policies
    assert recursive_rules(tree_of(*policies.values())) == []
