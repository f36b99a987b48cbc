from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from sidecar.policy.binding import Regorus
from sidecar.policy.capabilities import CAPABILITIES_FILE, allowed_builtins, filtered, forbidden_builtins
from sidecar.policy.child import find_opa
from tests.bindings import binding

__all__ = ["binding"]  # a fixture
pytestmark = pytest.mark.usefixtures("binding")

REGO = Path(__file__).resolve().parents[3] / "rego"


def tree_of(*texts: str) -> list[dict[str, Any]]:
    engine = Regorus().engine
    for index, text in enumerate(texts):
        engine.add_policy(f"p{index}.rego", text)
    tree: list[dict[str, Any]] = json.loads(engine.get_ast_as_json())
    return tree


def opa() -> Path:
    found = find_opa()
    assert found is not None, "run scripts/install-opa"
    return found


FORBIDDEN = {
    "http.send": 'http.send({"method": "get", "url": "u"})',
    "time.now_ns": "time.now_ns()",
    "opa.runtime": "opa.runtime()",
    "rand.intn": 'rand.intn("x", 2)',
    "uuid.rfc4122": 'uuid.rfc4122("x")',
    "net.lookup_ip_addr": 'net.lookup_ip_addr("x")',
    "io.jwt.decode": 'io.jwt.decode("x")',
    "crypto.sha256": 'crypto.sha256("x")',
}

PLACES = {
    "body": "p if {0} != 1",
    "value": "p := {0}",
    "comprehension": "p := [x | x := {0}]",
    "set comprehension in a head": "p contains {{x | x := {0}}}",
    "object comprehension": "p := {{k: v | k := 1; v := {0}}}",
    "with": "p if input.x == 1 with input.x as {0}",
    "argument": "p := count([{0}])",
    "else": "p := 1 if input.x else := {0}",
    "some in": "p if some x in [{0}]",
    "every": "p if every x in [{0}] {{ x }}",
    "not": "p if not {0}",
    "function": "f(x) := {0} if x\np := f(1)",
    "index": "p := data.x[{0}]",
    "reference": "p := {0}.x",
    "string interpolation of an object": 'p := {{"k": {0}}}',
    "partial set": "p contains {0} if true",
}


@pytest.mark.parametrize("call", FORBIDDEN.values(), ids=FORBIDDEN)
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_a_forbidden_call_is_found_wherever_it_stands(place: str, call: str) -> None:
    problems = forbidden_builtins(tree_of("package p\n\n" + place.format(call)))
    name = call.partition("(")[0]
    assert [problem.partition(": ")[2] for problem in problems] == [
        f"{name} is not among the builtins that a policy may call"
    ]
    assert problems[0].startswith("p0.rego:3")


@pytest.mark.parametrize(
    "text",
    [
        "import data.lib.send as http\np := http.send({})",
        'p := http["send"]({})',
        "time.now_ns() := 1\np := time.now_ns()",
        "print(x) := x\np := print(1)",
        "p := unheard_of(1)",
        "p := unheard.of(1)",
    ],
    ids=["alias", "bracket", "redefined", "shadowed", "unknown", "unknown namespace"],
)
def test_no_name_lends_itself_to_a_forbidden_builtin(text: str) -> None:
    assert forbidden_builtins(tree_of("package p\n\n" + text))


def test_functions_of_the_policys_own_are_called_by_any_of_their_names() -> None:
    lib = "package lib.limits\n\nwithin(x, y) if x <= y\n"
    user = """package guards.mine.request

import data.lib.limits
import data.lib.limits as bounds

own(x) := x + 1

pass if {
\tlimits.within(1, 2)
\tbounds.within(1, 2)
\tdata.lib.limits.within(1, 2)
\town(count([1])) == 2
\tstartswith(lower("A"), "a")
}
"""
    assert forbidden_builtins(tree_of(lib, user)) == []


def test_the_shipped_rules_call_nothing_forbidden() -> None:
    texts = [path.read_text() for path in sorted(REGO.rglob("*.rego")) if not path.name.endswith("_test.rego")]
    assert texts
    assert forbidden_builtins(tree_of(*texts)) == []


def test_the_file_is_what_is_left_of_this_opas_builtins() -> None:
    shown = subprocess.run([opa(), "capabilities", "--current"], capture_output=True, check=True)
    assert json.loads(CAPABILITIES_FILE.read_bytes()) == filtered(json.loads(shown.stdout))


@pytest.mark.parametrize("call", FORBIDDEN.values(), ids=FORBIDDEN)
def test_opas_compiler_refuses_the_same(tmp_path: Path, call: str) -> None:
    (tmp_path / "p.rego").write_text(f"package p\n\np := {call}\n")
    command = [opa(), "check", "--strict", "--capabilities", str(CAPABILITIES_FILE), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "undefined function" in done.stderr + done.stdout


def test_the_embedded_engine_has_every_builtin_that_is_allowed() -> None:
    builtins = json.loads(CAPABILITIES_FILE.read_bytes())["builtins"]
    missing: list[str] = []
    for builtin in builtins:
        if "infix" in builtin or builtin["name"].startswith("internal."):
            continue
        arguments = ", ".join(['"a"'] * len(builtin["decl"].get("args", [])))
        engine = Regorus().engine
        engine.add_policy("t.rego", f"package t\n\nx := {builtin['name']}({arguments})")
        try:
            engine.eval_rule_as_json("data.t.x")
        except Exception as error:
            if "could not find function" in str(error):
                missing.append(builtin["name"])
    assert missing == []
    assert "count" in allowed_builtins()
