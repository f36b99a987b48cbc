"""Properties of every guarded pod, whatever its author and other webhooks did to it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.injector import names
from sidecar.injector.guard import guard
from sidecar.injector.shape import shaped
from sidecar.injector.state import restore
from sidecar.injector.values import Guarded, PodRefused
from tests.unit.injector.pods import CA, CONFIG, config, pod, triton
from tests.unit.injector.strategies import changed_by_others, jsons, pods, words

Json = dict[str, Any]


def guarded(given_pod: Json) -> Guarded:
    return guard(given_pod, CONFIG, namespace="models", registry_ca=CA)


def flags(given_pod: Json) -> list[str]:
    [sidecar] = [one for one in given_pod["spec"]["initContainers"] if one["name"] == names.SIDECAR]
    return sidecar["args"]


def without_empty(value: Any) -> Any:
    """As the API server writes it."""
    if isinstance(value, dict):
        kept = {name: without_empty(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner not in (None, {}, [])}
    return [without_empty(inner) for inner in value] if isinstance(value, list) else value


@given(pods())
def test_a_guard_can_be_undone(made: Json) -> None:
    before = copy.deepcopy(made)
    assert without_empty(restore(shaped(guarded(made).pod))) == without_empty(before)
    assert made == before


@given(pods())
def test_guarding_twice_is_guarding_once(made: Json) -> None:
    once = guarded(made)
    assert guarded(once.pod) == once


@given(pods(), st.data())
def test_what_others_add_stays_and_guarding_again_settles_it(made: Json, draw: st.DataObject) -> None:
    added = changed_by_others(copy.deepcopy(guarded(made).pod), draw)
    again = guarded(added)
    assert guarded(again.pod) == again
    spec: Any = again.pod["spec"]
    for field in ("containers", "initContainers", "volumes"):
        assert {one["name"] for one in added["spec"][field]} == {one["name"] for one in spec[field]}


@given(pods(), st.data())
def test_what_others_add_at_the_end_needs_no_second_guard(made: Json, draw: st.DataObject) -> None:
    """A webhook that is called after ours, and ours not again: the pod as it stands is well guarded."""
    added = copy.deepcopy(guarded(made).pod)
    spec, serving = added["spec"], added["spec"]["containers"][0]
    for holder, field in ((spec, "containers"), (spec, "volumes"), (serving, "env"), (serving, "volumeMounts")):
        if draw.draw(st.booleans()):
            holder[field] = [*(holder.get(field) or []), {"name": "late", "mountPath": "/late"}]
    added["metadata"]["labels"]["late"] = "1"
    assert guarded(added).pod == added


@given(
    pods(), st.dictionaries(st.sampled_from(names.ASKED[1:-1]), words | st.sampled_from(["shadow", "allow", "99999"]))
)
def test_no_annotation_weakens_the_guard(made: Json, annotations: dict[str, str]) -> None:
    plain = flags(guarded(made).pod)
    made["metadata"]["annotations"] = annotations
    try:
        asked = guarded(made)
    except PodRefused:
        return
    free = ("--default-model=", "--server=", "--listen=", "--upstream=", "--probes=", "--self-check-ports=")
    assert [one for one in flags(asked.pod) if not one.startswith(free)] == [
        one for one in plain if not one.startswith(free)
    ]


@given(pods(), jsons | st.fixed_dictionaries({"changes": st.lists(jsons)}))
def test_a_forged_state_leads_to_a_guarded_pod_or_none(made: Json, forged: object) -> None:
    made["metadata"]["annotations"] = {names.STATE: json.dumps(forged)}
    try:
        again = guarded(made)
    except PodRefused:
        return
    assert guarded(again.pod) == again
    assert "--mode=enforce" in flags(again.pod)


def test_a_state_that_takes_the_models_flags_away_guards_what_is_left() -> None:
    change = {"at": ["containers", "triton", "args"], "added": ["--model-repository=/models"]}
    text = json.dumps({"changes": [change]})
    forged = pod(triton(), annotations={names.STATE: text})
    assert guarded(forged).pod == guarded(pod(triton(args=["tritonserver"]), annotations={})).pod


def test_a_sidecar_that_somebody_else_wrote_is_made_anew() -> None:
    own = {"name": names.SIDECAR, "image": "evil", "args": ["run", "--mode=shadow"], "restartPolicy": "Always"}
    forged = pod(triton(), annotations={names.STATE: "{}"}, initContainers=[own])
    assert guarded(forged).pod == guarded(pod(triton(), annotations={}, initContainers=[])).pod | {
        "metadata": guarded(forged).pod["metadata"]
    }


@given(jsons, st.sampled_from(["", "metadata", "spec", "containers", "container"]))
def test_any_json_is_guarded_or_refused(anything: Any, where: str) -> None:
    container = anything if where == "container" else triton()
    containers = anything if where == "containers" else [container]
    spec = anything if where == "spec" else {"containers": containers}
    whole: Any = {"spec": spec, "metadata": anything} if where == "metadata" else {"spec": spec}
    problems: list[str] = ["none"]
    try:
        guarded(anything if where == "" else whole)
    except PodRefused as refused:
        problems = refused.problems
    assert problems
    assert all(problems)


def test_deep_json_is_refused() -> None:
    deep: Json = {}
    for _ in range(2_000):
        deep = {"x": deep}
    with pytest.raises(PodRefused, match="cannot be read"):
        guarded(pod(triton(), deep=deep))


def test_a_spec_of_a_megabyte_is_guarded() -> None:
    large = pod(triton(env=[{"name": f"V{index}", "value": "x" * 1_000} for index in range(1_100)]))
    once = guarded(large)
    assert len(json.dumps(once.pod)) > 1 << 20
    assert guarded(once.pod) == once


def test_annotations_that_would_grow_too_large_are_refused() -> None:
    with pytest.raises(PodRefused, match="262144 at most; shorten the pod's own"):
        guarded(pod(triton(), annotations={"note": "x" * (255 << 10)}))


def test_an_exempt_pod_comes_back_as_it_is() -> None:
    exempt = pod(annotations={names.EXEMPT: "no model: a batch job of ours"})
    assert guarded(exempt) == Guarded(exempt, ("exempt: no model: a batch job of ours",))


def test_an_exemption_needs_a_reason() -> None:
    with pytest.raises(PodRefused, match="has no reason; write why"):
        guarded(pod(triton(), annotations={names.EXEMPT: " "}))


def test_the_embedded_engine_needs_no_second_container() -> None:
    embedded = guard(
        pod(triton()), config(engine="embedded", opa_config=None), namespace="models", registry_ca=None
    ).pod
    spec: Any = embedded["spec"]
    assert [one["name"] for one in spec["initContainers"]] == [names.SIDECAR]
    assert {one["name"] for one in spec["volumes"]} == {
        names.AUDIT_VOLUME,
        names.CONFIG_VOLUME,
        names.SECRETS_VOLUME,
        names.TMP_VOLUME,
    }
    assert {one["name"] for one in spec["initContainers"][0]["volumeMounts"]} == {
        one["name"] for one in spec["volumes"]
    }
    assert "--engine=embedded" in flags(embedded)
    assert "--data=/etc/model-policy-sidecar/secrets/data.json" in flags(embedded)


def test_the_embedded_engine_reads_opas_file() -> None:
    made = guard(pod(triton()), config(engine="embedded"), namespace="models", registry_ca=CA).pod
    spec: Any = made["spec"]
    [bundled] = spec["initContainers"]
    assert bundled["name"] == names.SIDECAR
    assert {"--engine=embedded", "--bundles=/etc/model-policy-sidecar/config/opa.yaml"} < set(bundled["args"])
    assert not any(each.startswith(("--data", "--opa")) for each in bundled["args"])
    [files] = [each["downwardAPI"]["items"] for each in spec["volumes"] if each["name"] == names.CONFIG_VOLUME]
    assert [item["path"] for item in files] == ["opa.yaml", "registry-ca.crt"]
    assert made["metadata"]["annotations"][names.OPA_CONFIG] == config().opa_config


def test_opa_is_there_beside_it_to_be_asked_the_same_now_and_then() -> None:
    settings = config().settings | {"cross_check_share": 0.01}
    made = guard(pod(triton()), config(engine="embedded", settings=settings), namespace="models", registry_ca=CA).pod
    as_engine = guard(pod(triton()), config(), namespace="models", registry_ca=CA).pod
    spec: Any = made["spec"]
    other: Any = as_engine["spec"]
    opa, checked = spec["initContainers"]
    assert opa == other["initContainers"][0]
    assert spec["volumes"] == other["volumes"]
    assert checked["volumeMounts"] == other["initContainers"][1]["volumeMounts"]
    assert set(checked["args"]) - set(other["initContainers"][1]["args"]) == {
        "--engine=embedded",
        "--bundles=/etc/model-policy-sidecar/config/opa.yaml",
        "--cross-check-share=0.01",
    }
