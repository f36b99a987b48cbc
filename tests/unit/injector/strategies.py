"""Pods as authors write them, and what other webhooks do to them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.injector.pods import mlserver, pod, triton

Json = dict[str, Any]
words = st.text(alphabet="abc", min_size=1, max_size=3)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def probes(draw: st.DrawFn) -> Json:
    call = draw(
        st.sampled_from(
            [
                {"httpGet": {"path": "/v2/health/live", "port": "http"}},
                {"httpGet": {"port": 8002, "scheme": "HTTP", "httpHeaders": [{"name": "X-A", "value": "$(HOME)"}]}},
                {"tcpSocket": {"port": 8000}},
                {"grpc": {"port": 8001}},
                {"exec": {"command": ["true"]}},
            ]
        )
    )
    times = draw(st.dictionaries(st.sampled_from(["periodSeconds", "initialDelaySeconds", "x-new"]), st.integers(0, 9)))
    return {**call, **times}


@st.composite
def servings(draw: st.DrawFn) -> Json:
    ports = [
        {"name": "http", "containerPort": 8000},
        {"containerPort": 8001, "protocol": "TCP"},
        {"containerPort": 8002},
    ]
    fields: Json = {
        "ports": ports[: draw(st.integers(1, 3))],
        "env": draw(
            st.none()
            | st.lists(
                st.fixed_dictionaries({"name": st.sampled_from(["A", "MLSERVER_HOST"]), "value": words}), max_size=3
            )
        ),
        "lifecycle": draw(
            st.sampled_from(
                [None, {}, {"preStop": {"sleep": {"seconds": 99}}}, {"postStart": {"exec": {"command": ["x"]}}}]
            )
        ),
        **{field: draw(probes()) for field in draw(st.sets(st.sampled_from(["livenessProbe", "readinessProbe"])))},
    }
    dropped = draw(st.sets(st.sampled_from(["env", "lifecycle"])))
    make = draw(st.sampled_from([triton, mlserver, torchserve]))
    return make(**{name: value for name, value in fields.items() if name not in dropped})


def torchserve(**changed: object) -> Json:
    return {"name": "torchserve", "image": "pytorch/torchserve:0.12.0-cpu", **changed}


@st.composite
def pods(draw: st.DrawFn) -> Json:
    made = pod(draw(servings()), {"name": "logs", "image": "logs"})
    for field in ("initContainers", "volumes"):
        made["spec"].update(draw(st.sampled_from([{}, {field: None}, {field: []}, {field: [{"name": "own"}]}])))
    made["metadata"].update(draw(st.sampled_from([{}, {"labels": None}, {"labels": {"app": "credit"}}])))
    made["spec"].update(draw(st.sampled_from([{}, {"terminationGracePeriodSeconds": 5}])))
    return made


def changed_by_others(made: Json, draw: st.DataObject) -> Json:
    """What other webhooks do to a pod: containers, volumes, variables, at the front or at the end."""
    spec = made["spec"]
    for holder, field, entry in (
        (spec, "containers", {"name": "mesh", "image": "mesh", "ports": [{"containerPort": 15090}]}),
        (spec, "initContainers", {"name": "mesh-init", "image": "mesh"}),
        (spec, "initContainers", {"name": "mesh-native", "image": "mesh", "restartPolicy": "Always"}),
        (spec, "volumes", {"name": "mesh-token"}),
        (spec["containers"][0], "env", {"name": "MESH", "value": "1"}),
        (spec["containers"][0], "args", "--mesh"),
        (spec["containers"][0], "volumeMounts", {"name": "mesh-token", "mountPath": "/mesh"}),
    ):
        if draw.draw(st.booleans()):
            entries = holder.get(field) or []
            holder[field] = [entry, *entries] if draw.draw(st.booleans()) else [*entries, entry]
    return made
