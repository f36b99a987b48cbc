from __future__ import annotations

import copy
from typing import Any

import pytest

from sidecar.injector.editing import Editor
from sidecar.injector.state import FieldChange, ListChange
from tests.unit.injector.pods import pod, triton

PROBE = ("containers", "triton", "livenessProbe")
ARGS = ("containers", "triton", "args")
PORTS = ("containers", "triton", "ports")


def editor(**fields: object) -> Editor:
    return Editor(copy.deepcopy(pod(triton(**fields))))


def container(edited: Editor) -> dict[str, Any]:
    spec: Any = edited.pod["spec"]
    return spec["containers"][0]


def test_a_field_and_its_way_back() -> None:
    edited = editor(livenessProbe={"exec": {}})
    edited.put(PROBE, {"grpc": {"port": 1}})
    assert container(edited) == triton(livenessProbe={"grpc": {"port": 1}})
    assert edited.state.changes == (FieldChange(at=PROBE, was={"exec": {}}, now={"grpc": {"port": 1}}),)


def test_what_is_so_already_is_no_change() -> None:
    edited = editor(livenessProbe={"exec": {}})
    edited.put(PROBE, {"exec": {}})
    edited.append(ARGS, [])
    edited.put_first(PORTS, [], lambda entry: entry["containerPort"] == 9)
    assert edited.state.changes == ()


def test_a_hook_makes_its_lifecycle() -> None:
    edited = editor()
    edited.put(("containers", "triton", "lifecycle", "preStop"), {"sleep": {"seconds": 1}})
    assert container(edited) == triton(lifecycle={"preStop": {"sleep": {"seconds": 1}}})


def test_entries_behind_and_before() -> None:
    edited = editor(ports=[{"containerPort": 1}, {"containerPort": 2}])
    edited.append(ARGS, ["--a"])
    edited.put_first(PORTS, [{"containerPort": 3}], lambda entry: entry["containerPort"] == 2)
    assert container(edited) == triton(
        args=["tritonserver", "--model-repository=/models", "--a"],
        ports=[{"containerPort": 3}, {"containerPort": 1}],
    )
    assert edited.state.changes == (
        ListChange(at=ARGS, added=("--a",)),
        ListChange(at=PORTS, added=({"containerPort": 3},), removed=((1, {"containerPort": 2}),)),
    )


def test_an_empty_list_is_none() -> None:
    edited = editor()
    edited.put_first(PORTS, [], lambda entry: True)
    assert "ports" not in container(edited)


def test_a_container_that_is_not_there() -> None:
    with pytest.raises(LookupError):
        editor().put(("containers", "other", "livenessProbe"), {})
