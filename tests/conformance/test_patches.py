"""What native/patches changes in regorus, by the values that regorus without them gives: the fork's wheel has none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sidecar.policy.binding import Regorus
from tests.bindings import binding

__all__ = ["binding"]  # a fixture

NATIVE = Path(__file__).resolve().parents[2] / "native"
PACKAGES = {
    "a": "package a\n\nr := 1\n\nseen := data.a",
    "ab": "package a.b\n\ndefault d := 2\n\nd := 3 if input.none\n\nf(x) := x + data.a.r",
    "abc": 'package a.b["c d"]\n\nimport data.a.b as other\n\nr := other.f(4)\n\nq := other.d',
    "v": "package v\n\nr := data.a.b.d + data.a.b.f(1)",
}
DEFAULTED = "default r := 0\n\nr := 1 if input.x == 1\n\nelse := 2 if input.x == 2"
SETS = 's contains "a"\n\ns contains "b" if input.x\n\nr := [s.a, s["b"], count(s)]'
MERGED = 'r[k] := v if { some k, v in input.o }\n\nr[k] := v if { some v in ["z"]; k := "y" }'
SHADOWED = "f(x) := x\n\ng(x) := count(x)\n\nr := y if { y := f(input.x) with f as g }"
GIVEN = 'r := [data.g.a.b, x, y] if { x := data.g.none; y := 1 }\n\nq := data.g.a["b"]\n\np := data.g.a[input.k]'


def value(modules: dict[str, str], rule: str, text: str) -> Any:
    regorus = Regorus()
    for path, rego in modules.items():
        regorus.engine.add_policy(path, f"{rego}\n")
    regorus.engine.add_data_json('{"g": {"a": {"b": 5, "9": 6}}}')
    answer = regorus.decide(f"data.{rule}", text.encode())
    return None if answer is None else json.loads(answer)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("v.r", 4),
        ('a.b["c d"].r', 5),
        ('a.b["c d"].q', 2),
        ("a.b.d", 2),
    ],
)
@pytest.mark.usefixtures("binding")
def test_packages_one_within_the_other(rule: str, expected: Any) -> None:
    assert value(PACKAGES, rule, "{}") == expected


@pytest.mark.parametrize(
    ("rego", "rule", "text", "expected"),
    [
        (DEFAULTED, "r", '{"x": 1}', 1),
        (DEFAULTED, "r", '{"x": 2}', 2),
        (DEFAULTED, "r", '{"x": 3}', 0),
        (SETS, "r", '{"x": true}', ["a", "b", 2]),
        (SETS, "r", "{}", None),
        (MERGED, "r", '{"o": {"b": 1, "a": 2}}', {"a": 2, "b": 1, "y": "z"}),
        (SHADOWED, "r", '{"x": [7, 8, 9]}', 3),
        (GIVEN, "r", "{}", None),
        (GIVEN, "q", "{}", 5),
        (GIVEN, "p", '{"k": 9}', 6),
        ("r := input", "r", '{"b": {}, "a": [{"d": 1, "c": 2}]}', {"a": [{"c": 2, "d": 1}], "b": {}}),
        ("r := [input.a, input.b]", "r", '{"b": 1, "a": 2, "b": 3, "a": 4}', [4, 3]),
        ("r := input.a.b.c", "r", '{"a": {"b": [1]}}', None),
    ],
)
@pytest.mark.usefixtures("binding")
def test_rules_functions_and_documents(rego: str, rule: str, text: str, expected: Any) -> None:
    assert value({"p": f"package p\n\n{rego}"}, f"p.{rule}", text) == expected


def test_each_patch_says_why_before_what() -> None:
    patches = sorted((NATIVE / "patches").iterdir())
    assert [int(patch.name[:4]) for patch in patches] == list(range(1, len(patches) + 1))
    for patch in patches:
        why, _, what = patch.read_text().partition("\n---\n")
        assert "Instructions of a decision: " in why
        assert what.count("\n+++ b/src/") == what.count("\n+++ ") > 0
