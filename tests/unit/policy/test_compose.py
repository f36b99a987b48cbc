from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import regorus

from sidecar.policy.compose import (
    FILE_LIMIT_BYTES,
    FILES_LIMIT,
    GENERATED_PATH,
    SHIPPED_GUARDS,
    Composition,
    Modules,
    compose,
    load_modules,
)
from tests.policies import REGO, opa_binary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHIPPED = load_modules(REGO)
STALENESS = "guards/staleness/request/staleness.rego"
FREE = "default pass := false\n\npass := true\n"


def composed(changes: Mapping[str, str] | None = None, *, without: str = "") -> Composition:
    policies = {path: text for path, text in SHIPPED.policies.items() if path != without}
    return compose(Modules({**policies, **(changes or {})}, {}))


def decision_of(composition: Composition) -> dict[str, Any]:
    engine = regorus.Engine()
    engine.add_policy(GENERATED_PATH, composition.text)
    engine.set_input_json('{"phase": "request", "instances": 1}')
    decision: dict[str, Any] = json.loads(engine.eval_rule_as_json("data.sidecar.decision"))
    return decision


def malformed(rule: str, message: str) -> dict[str, Any]:
    remedy = "Run `sidecar check` on the policy and its data."
    reason = {"code": "policy_malformed", "rule": rule, "message": message, "remedy": remedy}
    return {"allow": False, "reasons": [reason], "shadow": [], "obligations": [], "ttl_s": 0}


def test_the_checked_in_module_is_the_generated_one() -> None:
    assert (REGO / GENERATED_PATH).read_text() == composed().text


def test_the_shipped_guards_are_all_present_and_credit_scoring_beside_them() -> None:
    found = composed()
    assert found.guards == dict(sorted({**SHIPPED_GUARDS, "credit_scoring": ("request", "response")}.items()))
    assert (found.absent, found.problems) == ((), ())


def test_tests_are_kept_apart() -> None:
    assert "guards/staleness/request/staleness_test.rego" in SHIPPED.tests
    assert not any(path.endswith("_test.rego") for path in composed().policies)


def test_what_is_activated_is_every_policy_and_the_generated_module() -> None:
    found = composed()
    assert found.policies == {**SHIPPED.policies, GENERATED_PATH: found.text}


@pytest.mark.parametrize(
    ("name", "phase"), [(name, phase) for name, phases in SHIPPED_GUARDS.items() for phase in phases]
)
def test_a_deleted_guard_closes_the_module(name: str, phase: str) -> None:
    found = composed(without=f"guards/{name}/{phase}/{name}.rego")
    assert (found.absent, found.problems) == ((f"{name}.{phase}",), ())
    assert decision_of(found) == malformed(name, f"the shipped guard {name}.{phase} is absent")


def test_a_misspelt_guard_closes_the_module() -> None:
    found = composed({STALENESS: "package guards.stalenes.request\n\n" + FREE})
    assert found.absent == ("staleness.request",)
    assert found.guards["stalenes"] == ("request",)
    assert not decision_of(found)["allow"]


def test_the_closed_module_tells_the_facts() -> None:
    engine = regorus.Engine()
    engine.add_policy(GENERATED_PATH, composed(without=STALENESS).text)
    engine.add_data_json('{"models": {"credit": {}}}')
    engine.set_input_json('{"items": [1, 2]}')
    facts = json.loads(engine.eval_rule_as_json("data.sidecar.facts"))
    assert (facts["models"], facts["absent"]) == ({"credit": {}}, ["staleness.request"])
    assert set(json.loads(engine.eval_rule_as_json("data.sidecar.decisions"))) == {"0", "1"}


@pytest.mark.parametrize(
    ("package", "problem"),
    [
        ("package sidecar", "package sidecar is not a policy's to define"),
        ("package sidecar.decision", "package sidecar.decision is not a policy's to define"),
        ("package system.authz", "package system.authz is not a policy's to define"),
        ("package models.credit", "package models.credit is not a policy's to define"),
        ("package revocations", "package revocations is not a policy's to define"),
        ("package lib", "package lib is neither under guards nor under lib"),
        ("package own", "package own is neither under guards nor under lib"),
        ("package guards", "package guards is not guards.<name>.request or guards.<name>.response"),
        ("package guards.own", "package guards.own is not guards.<name>.request or guards.<name>.response"),
        ("package guards.own.any", "package guards.own.any is not guards.<name>.request or guards.<name>.response"),
        (
            "package guards.a.request.b",
            "package guards.a.request.b is not guards.<name>.request or guards.<name>.response",
        ),
        (
            "package guards.Own.request",
            "package guards.Own.request is not guards.<name>.request or guards.<name>.response",
        ),
        ('package guards["own"].request', "must begin with a plain `package a.b.c`"),
        ("package\nguards.own.request", "must begin with a plain `package a.b.c`"),
        ("", "must begin with a plain `package a.b.c`"),
        ("pass := true", "must begin with a plain `package a.b.c`"),
    ],
)
def test_a_package_that_is_not_a_guard_or_a_library_is_a_problem(package: str, problem: str) -> None:
    found = composed({"own.rego": f"# about\n\n{package}\n\n{FREE}"})
    assert found.problems == (f"own.rego: {problem}",)
    assert decision_of(found) == malformed("sidecar", "the policy's files have problems")


@pytest.mark.parametrize("separator", ["\r", "\x0b", "\x0c", "\x85", "\u2028"])
def test_no_other_line_end_hides_a_package(separator: str) -> None:
    text = f"# about{separator}package guards.own.request\npackage sidecar\n\n{FREE}"
    assert composed({"own.rego": text}).problems == (
        "own.rego: package sidecar is not a policy's to define",
        "own.rego: holds control characters",
    )


def test_windows_line_ends_are_fine() -> None:
    found = composed({"own.rego": "package guards.own.request\r\n\r\n" + FREE.replace("\n", "\r\n")})
    assert (found.problems, found.guards["own"]) == ((), ("request",))


@pytest.mark.parametrize(
    "text", ["pass := true\n", "default pass := true\n", "# default pass := false\n", "default pass = false\n"]
)
def test_a_guard_without_its_default_is_a_problem(text: str) -> None:
    found = composed({"own.rego": "package guards.own.request\n\n" + text})
    assert found.problems == ("guards.own.request: lacks `default pass := false`",)


def test_a_guard_may_have_several_files() -> None:
    head = "package guards.own.request # of ours\n\n"
    found = composed({"a.rego": head + "default pass := false\n", "b.rego": head + "violation contains {}\n"})
    assert found.problems == ()
    assert "data.guards.own.request.violation" in found.text


def test_only_what_a_guard_defines_is_referred_to() -> None:
    found = composed({"own.rego": "package guards.own.request\n\n" + FREE})
    assert "data.guards.own.request.pass" in found.text
    assert "data.guards.own.request.violation" not in found.text
    assert "data.guards.own.request.valid_until_unix_s" not in found.text


def test_a_file_in_the_generated_modules_place_is_replaced() -> None:
    forged = 'package sidecar\n\ndecision := {"allow": true}\n'
    found = composed({GENERATED_PATH: forged})
    assert (found.problems, found.text, found.policies[GENERATED_PATH]) == ((), composed().text, composed().text)


def test_files_are_read_by_their_path_below_the_root(tmp_path: Path) -> None:
    shutil.copytree(REGO, tmp_path, dirs_exist_ok=True)
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "own.rego").write_text("package guards.hidden.request\n")
    (tmp_path / "notes.txt").write_text("no policy")
    assert load_modules(tmp_path) == SHIPPED


def test_what_can_not_be_read_is_a_problem(tmp_path: Path) -> None:
    assert load_modules(tmp_path).problems == ("no *.rego file found",)
    (tmp_path / "a.rego").write_bytes(b"\xff")
    (tmp_path / "b.rego").write_bytes(b" " * (FILE_LIMIT_BYTES + 1))
    assert load_modules(tmp_path).problems == ("a.rego: not UTF-8", f"b.rego: longer than {FILE_LIMIT_BYTES} bytes")


def test_the_number_of_files_is_bounded(tmp_path: Path) -> None:
    for index in range(FILES_LIMIT + 2):
        (tmp_path / f"{index:04}.rego").touch()
    found = load_modules(tmp_path)
    assert len(found.policies) == FILES_LIMIT
    assert len(found.problems) == 1


@pytest.mark.parametrize("changes", [{}, {"own.rego": "package guards.own.response\n\n" + FREE}])
def test_opa_finds_the_generated_module_well_formed_and_formatted(tmp_path: Path, changes: dict[str, str]) -> None:
    for path, text in composed(changes).policies.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    generated = str(tmp_path / GENERATED_PATH)
    subprocess.run([opa_binary(), "check", "--strict", str(tmp_path)], check=True)
    formatted = subprocess.run([opa_binary(), "fmt", "--list", generated], check=True, capture_output=True)
    assert formatted.stdout == b""


@pytest.mark.parametrize(("depth", "problems"), [(12, 0), (13, 1)])
def test_deep_nesting_is_refused_before_an_engine_parses_it(tmp_path: Path, depth: int, problems: int) -> None:
    (tmp_path / "deep.rego").write_text(f"package lib.deep\n\nx := {'[' * depth}{']' * depth}\n")
    assert len(load_modules(tmp_path).problems) == problems


COMPUTES = "package guards.own.response\n\n" + FREE


@pytest.mark.parametrize(
    ("text", "computed"),
    [
        ("fallback := [1]\n", True),
        ("default fallback := [1]\n", True),
        ("fallback contains 1\n", True),
        ("fallback(x) := [x]\n", False),
        ("fallback_of := [1]\n", False),
        ("# fallback := [1]\n", False),
    ],
)
def test_a_guard_that_computes_a_fallback_is_asked_for_it_by_name(text: str, computed: bool) -> None:
    found = composed({"own.rego": COMPUTES + text})
    assert ('fallbacks["own"] := data.guards.own.response.fallback' in found.text) is computed
    assert ("own" in found.fallbacks) is computed


def test_before_the_model_no_fallback_is_computed() -> None:
    found = composed({"own.rego": "package guards.own.request\n\n" + FREE + "fallback := [1]\n"})
    assert 'fallbacks["own"]' not in found.text


def test_without_any_fallback_there_are_none() -> None:
    found = composed(without="guards/credit_scoring/response/credit_scoring.rego")
    assert "\nfallbacks := {}\n" in found.text
    assert found.fallbacks == frozenset()
