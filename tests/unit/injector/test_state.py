from __future__ import annotations

import json
from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.shape import shaped
from sidecar.injector.state import FieldChange, ListChange, State, restore, written
from sidecar.injector.values import PodRefused
from tests.unit.injector.pods import pod, triton

ENV = ("containers", "triton", "env")


def undone(container: dict[str, Any], *changes: FieldChange | ListChange) -> dict[str, Any]:
    """The container after the changes were taken back."""
    text = written(State(changes=changes))
    spec: Any = restore(shaped(pod(container, annotations={names.STATE: text})))["spec"]
    return spec["containers"][0]


def test_a_pod_that_is_not_guarded_stays() -> None:
    given = pod(triton(), annotations={"a": "b"}, initContainers=[{"name": "init"}])
    assert restore(shaped(given)) == given


def test_what_is_the_guards_is_taken_out() -> None:
    given = pod(
        triton(),
        annotations={names.STATE: "{}", names.EXPLANATION: "x", names.MODE: "enforce"},
        initContainers=[{"name": names.OPA}, {"name": "init"}, {"name": names.SIDECAR}],
        volumes=[{"name": names.TMP_VOLUME}],
    )
    given["metadata"]["labels"] = {names.LABEL_GUARDED: "true"}
    assert restore(shaped(given)) == pod(
        triton(), annotations={names.MODE: "enforce"}, initContainers=[{"name": "init"}]
    )


def test_a_field_gets_back_what_it_was_unless_somebody_changed_it() -> None:
    change = FieldChange(at=("containers", "triton", "livenessProbe"), was={"exec": {}}, now={"grpc": {"port": 1}})
    assert undone(triton(livenessProbe={"grpc": {"port": 1}}), change) == triton(livenessProbe={"exec": {}})
    assert undone(triton(livenessProbe={"grpc": {"port": 2}}), change) == triton(livenessProbe={"grpc": {"port": 2}})


def test_what_a_container_got_first_of_all_goes_whole() -> None:
    change = FieldChange(at=("containers", "triton", "lifecycle", "preStop"), now={"sleep": {"seconds": 1}})
    hook = {"preStop": {"sleep": {"seconds": 1}}}
    assert undone(triton(lifecycle=hook), change) == triton()
    assert undone(triton(lifecycle={**hook, "postStart": {}}), change) == triton(lifecycle={"postStart": {}})


def test_a_list_loses_what_was_added_and_gets_back_what_was_removed() -> None:
    own, ours, others = ({"name": name, "value": value} for name, value in (("A", "1"), ("A", "2"), ("B", "3")))
    change = ListChange(at=ENV, added=(ours,), removed=((1, own),))
    assert undone(triton(env=[ours, others]), change) == triton(env=[others, own])
    assert undone(triton(env=[others, ours]), change) == triton(env=[others, own])


def test_an_entry_that_somebody_put_in_place_of_ours_stays() -> None:
    own, ours, theirs = ({"name": "A", "value": value} for value in "123")
    change = ListChange(at=ENV, added=(ours,), removed=((0, own),))
    assert undone(triton(env=[theirs]), change) == triton(env=[theirs])


def test_a_flag_goes_where_it_stands_last() -> None:
    change = ListChange(at=("containers", "triton", "args"), added=("--a", "--b"))
    assert undone(triton(args=["--a", "x", "--a", "--b", "--mesh"]), change) == triton(args=["--a", "x", "--mesh"])


def test_containers_that_are_gone_are_passed_over() -> None:
    change = FieldChange(at=("initContainers", "gone", "startupProbe"), now={})
    assert undone(triton(), change) == triton()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '{"version": 2}',
        '{"changes": [{"at": ["spec", "containers"], "now": []}]}',
        '{"changes": [{"at": ["containers", "triton", "image"], "now": "x"}]}',
        '{"changes": [{"at": ["containers", "triton", "args"], "removed": [[-1, "x"]]}]}',
        json.dumps({"changes": [{"at": ENV}] * 1_001}),
        '{"changes": [{"at": ["containers", "triton", "env"], "added": ' + "[" * 1_000 + "]" * 1_000 + "}]}",
    ],
)
def test_a_state_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(PodRefused) as refused:
        restore(shaped(pod(triton(), annotations={names.STATE: text})))
    assert refused.value.problems == [
        f"annotation {names.STATE} is not the injector's; remove it, and submit the pod unguarded"
    ]


def test_a_state_that_makes_no_pod_is_refused() -> None:
    change = {"at": ENV, "removed": [[0, {"value": "nameless"}]]}
    with pytest.raises(PodRefused, match=r"spec\.containers\.0\.env\.0\.name: Field required"):
        restore(shaped(pod(triton(), annotations={names.STATE: json.dumps({"changes": [change]})})))


def test_our_names_without_a_state_are_somebody_elses() -> None:
    given = pod(
        triton(), {"name": names.OPA}, initContainers=[{"name": names.SIDECAR}], volumes=[{"name": names.AUDIT_VOLUME}]
    )
    with pytest.raises(PodRefused) as refused:
        restore(shaped(given))
    assert refused.value.problems == [
        f"the name {name} is the guard's, and annotation {names.STATE} is missing; rename it"
        for name in (names.OPA, names.SIDECAR, names.AUDIT_VOLUME)
    ]
