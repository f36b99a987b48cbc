"""What the policy `guarded-pods` takes is what the injector makes: both say it in a language of their own."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.containers import TOKEN_FOLDER
from sidecar.injector.fitness import HARMLESS_CAPABILITIES
from sidecar.injector.guard import guard
from tests.unit.helm.charts import BUNDLED, CROSS_CHECKED, EMBEDDED, Json, render, the
from tests.unit.helm.test_injector_config import config
from tests.unit.injector.pods import CA, pod, triton

STRING = re.compile(r"'((?:[^'\\]|\\.)*)'")
OTHER_SETTINGS: Json = {"guard": {"settings": {"audit_segment": 67_108_864, "window_spans": ["15m", "1d"]}}}
SHADOWED: Json = {"guard": {"allowShadow": True, "allowMetadata": True}}
ASKED = {names.MODE: "shadow", names.METADATA: "allow", names.DEFAULT_MODEL: "credit"}
TORCHSERVE = {"name": "torchserve", "image": "pytorch/torchserve:0.12.0-cpu"}


def check(changes: Json, message: str) -> str:
    """The expression behind a message."""
    validations = the(render(changes), "ValidatingAdmissionPolicy", "guarded-pods")["spec"]["validations"]
    [expression] = [each["expression"] for each in validations if each["message"].startswith(message)]
    return expression


def sidecar_arguments(changes: Json) -> tuple[list[str], re.Pattern[str]]:
    """Those that every sidecar must have, and the form of all others."""
    policy = the(render(changes), "ValidatingAdmissionPolicy", "guarded-pods")["spec"]
    [fixed] = [json.loads(each["expression"]) for each in policy["variables"] if each["name"] == "fixedArguments"]
    [form] = re.findall(r'matches\(("(?:[^"\\]|\\.)*")\)', check(changes, "the sidecar's arguments"))
    return fixed, re.compile(json.loads(form))


def guarded(changes: Json, container: Json, annotations: dict[str, str] | None = None) -> Any:
    given = pod(container, annotations=annotations or {})
    return guard(given, config(changes), namespace="models", registry_ca=CA).pod


def containers(made: Any) -> dict[str, Json]:
    return {each["name"]: each for each in made["spec"]["initContainers"]}


@pytest.mark.parametrize("changes", [{}, CROSS_CHECKED], ids=["opa", "cross-checked"])
def test_opas_arguments(changes: Json) -> None:
    _, _, compared = check(changes, "OPA's arguments").partition("==")
    assert containers(guarded(changes, triton()))[names.OPA]["args"] == STRING.findall(compared)


@pytest.mark.parametrize(
    ("changes", "opas", "configured"),
    [({}, 1, True), (EMBEDDED, 0, False), (BUNDLED, 0, True), (CROSS_CHECKED, 1, True)],
    ids=["opa", "embedded", "bundled", "cross-checked"],
)
def test_opa_and_its_file_are_there_where_they_must_be(changes: Json, opas: int, configured: bool) -> None:
    made = guarded(changes, triton())
    assert f"variables.opa.size() == {opas}" in check(changes, "this pod must be guarded")
    assert [name for name in containers(made) if name == names.OPA] == [names.OPA] * opas
    assert (names.OPA_CONFIG in made["metadata"]["annotations"]) is configured
    policy = the(render(changes), "ValidatingAdmissionPolicy", "guarded-pods")["spec"]
    messages = {each["message"] for each in policy["validations"]}
    assert ("OPA's configuration is not the operator's" in messages) is configured


@pytest.mark.parametrize(
    ("changes", "annotations"),
    [({}, {}), (EMBEDDED, {}), (BUNDLED, {}), (CROSS_CHECKED, {}), (OTHER_SETTINGS, {}), (SHADOWED, ASKED)],
    ids=["opa", "embedded", "bundled", "cross-checked", "settings", "asked"],
)
def test_the_sidecars_arguments(changes: Json, annotations: dict[str, str]) -> None:
    probed = triton(livenessProbe={"httpGet": {"port": 8000}})
    first, *args = containers(guarded(changes, probed, annotations))[names.SIDECAR]["args"]
    fixed, others = sidecar_arguments(changes)
    assert first == "run"
    assert [each for each in fixed if each not in args] == []
    assert [each for each in args if each not in fixed and not others.search(each)] == []


@pytest.mark.parametrize(
    "argument",
    [
        "--mode=shadow",
        "--metadata=allow",
        "--upstream=http://10.0.0.1:80",
        "--self-check=off",
        "--consent=off",
        "serve",
    ],
)
def test_no_other_argument_is_taken(argument: str) -> None:
    fixed, others = sidecar_arguments({})
    assert argument not in fixed
    assert not others.search(argument)


@pytest.mark.parametrize("changes", [{}, EMBEDDED, BUNDLED], ids=["opa", "embedded", "bundled"])
def test_mounts(changes: Json) -> None:
    known = set(STRING.findall(check(changes, "the guard's containers mount").partition(" in ")[2])) - {TOKEN_FOLDER}
    made = containers(guarded(changes, triton()))
    mounted = {
        f"{mount['name']}:{mount['mountPath']}"
        for container in made.values()
        for mount in container["volumeMounts"]
        if mount["mountPath"] != TOKEN_FOLDER
    }
    assert mounted <= known
    assert changes or mounted == known


def test_volumes() -> None:
    named = set(STRING.findall(check({}, "the guard's volumes")))
    made = guarded({}, TORCHSERVE)
    assert {each["name"] for each in made["spec"]["volumes"]} == set(names.GUARD_VOLUMES)
    assert set(names.GUARD_VOLUMES) <= named


def test_capabilities() -> None:
    _, _, listed = check({}, "no container of a guarded pod is privileged").partition(" in ")
    assert set(STRING.findall(listed)) == HARMLESS_CAPABILITIES
