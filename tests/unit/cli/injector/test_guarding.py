from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.cli.injector.guarding import Guarding, read
from sidecar.cli.injector.manifests import ManifestInvalid
from sidecar.injector import names
from sidecar.injector.config import InjectorConfig
from sidecar.injector.workloads import guard_workload
from tests.unit.cli.injector.calls import REFUSED, SERVICE, deployment
from tests.unit.injector.serving.parts import CONFIG, POD

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = InjectorConfig.parse(CONFIG)


@pytest.fixture
def guarding() -> Guarding:
    return Guarding(SETTINGS, "an authority", "models")


def guarded(manifest: dict[str, Any]) -> dict[str, Any]:
    return guard_workload(manifest, SETTINGS, registry_ca="an authority", namespace="models").pod


def test_what_has_pods_is_guarded_and_the_rest_stays(guarding: Guarding) -> None:
    assert guarding.document(deployment()) == guarded(deployment())
    assert guarding.document(SERVICE) == SERVICE
    assert [(done.name, done.before) for done in guarding.done] == [("Deployment/credit", deployment())]


@pytest.mark.parametrize(("api", "kind"), [("v1", "List"), ("config.kubernetes.io/v1", "ResourceList")])
def test_lists_are_guarded_item_by_item(guarding: Guarding, api: str, kind: str) -> None:
    rest = {"apiVersion": api, "kind": kind, "metadata": {"x": "y"}}
    assert guarding.document({**rest, "items": [SERVICE, deployment()]}) == {
        **rest,
        "items": [SERVICE, guarded(deployment())],
    }
    for nothing in (None, 7, "words"):
        assert guarding.document({**rest, "items": nothing}) == {**rest, "items": []}


def test_every_refusal_is_told_by_the_manifests_name(guarding: Guarding) -> None:
    assert guarding.document(REFUSED) == REFUSED
    pod = {**POD, "spec": {"containers": []}}
    guarding.document(pod)
    names = [problem.split(":")[0] for problem in guarding.problems]
    assert (names[:2], names[-1], guarding.done) == (["Deployment/refused"] * 2, "Pod/credit-7d-", [])


@pytest.mark.parametrize("others", [[], [{"name": "example.com/quota"}]])
def test_the_gate_goes_when_the_guard_is_there(guarding: Guarding, others: list[dict[str, str]]) -> None:
    gated = copy.deepcopy(deployment())
    gated["spec"]["template"]["spec"]["schedulingGates"] = [*others, {"name": names.GATE}]
    before = copy.deepcopy(gated)
    expected = guarded(deployment())
    if others:
        expected["spec"]["template"]["spec"]["schedulingGates"] = others
    assert (guarding.document(gated), gated) == (expected, before)


@pytest.mark.parametrize("spec", [None, [], {"template": 7}, {"template": {"spec": "x"}}])
def test_a_malformed_manifest_is_refused_not_a_crash(guarding: Guarding, spec: Any) -> None:
    guarding.document({**deployment(), "spec": spec})
    assert len(guarding.refusals) == 1


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestInvalid, match=f"^{tmp_path}/none: No such file or directory$"):
        read(tmp_path / "none")


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 1\n---\nb: 2\n")
    assert read(tmp_path / "x.yaml") == [{"a": 1}, {"b": 2}]
