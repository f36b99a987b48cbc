from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.asked import read_asked
from sidecar.injector.find import find
from sidecar.injector.shape import annotations_of, shaped
from tests.unit.injector.pods import CONFIG, mlserver, pod, triton

LOGS = {"name": "logs", "image": "fluent/fluent-bit:4"}


def found(*containers: dict[str, Any], **asked: str) -> tuple[str, str, tuple[str, ...]] | list[str]:
    annotations = {names.PREFIX + name: value for name, value in asked.items()}
    given, problems = shaped(pod(*containers, annotations=annotations)), list[str]()
    serving = find(given, read_asked(annotations_of(given), CONFIG, problems), problems)
    return (serving.name, serving.server.kind, serving.explained) if serving else problems


def test_the_only_container_and_its_program() -> None:
    assert found(triton(image="ours:1")) == (
        "triton",
        "triton",
        ("container triton serves the model: there is no other", "its server is triton: its command line"),
    )


def test_the_only_container_with_a_known_server() -> None:
    assert found(LOGS, mlserver()) == (
        "mlserver",
        "mlserver",
        (
            "container mlserver serves the model: it alone runs a known model server",
            "its server is mlserver: its image",
        ),
    )


def test_kserves_name() -> None:
    assert found(LOGS, triton(name="kserve-container"))[:2] == ("kserve-container", "triton")


def test_annotations_decide() -> None:
    assert found(LOGS, {"name": "own", "image": "own"}, container="own", server="kserve")[:2] == ("own", "kserve")
    assert found(triton(image="a/mlserver", args=["/start"]), server="triton")[:2] == ("triton", "triton")


@pytest.mark.parametrize(
    ("containers", "asked", "problem"),
    [
        ((), {}, "the pod has no containers; add the one that serves the model"),
        (
            (triton(), mlserver()),
            {},
            "several containers run a model server (triton, mlserver); give each a pod of its own",
        ),
        (
            tuple({"name": f"c{index}", "image": "x"} for index in range(5)),
            {},
            "none of the containers (c0, c1, c2, c3, c4) is known to run a model server; "
            "name the one that serves the model in annotation model-policy-sidecar.io/container",
        ),
        (
            (triton(),),
            {"container": "other"},
            "annotation model-policy-sidecar.io/container: 'other' is none of the pod's (triton); "
            "name the one that serves the model in annotation model-policy-sidecar.io/container",
        ),
        (
            (LOGS,),
            {},
            "the server in container logs is not known by its image or command line; name it in annotation "
            "model-policy-sidecar.io/server: triton, torchserve, kserve, mlserver, tfserving, openai",
        ),
        (
            ({"name": "both", "args": ["tritonserver", "mlserver"]},),
            {},
            "the server in container both may be any of triton, mlserver; name it in annotation "
            "model-policy-sidecar.io/server: triton, torchserve, kserve, mlserver, tfserving, openai",
        ),
        (
            (triton(),),
            {"server": "mlserver"},
            "annotation model-policy-sidecar.io/server says mlserver, the command line triton; correct one of the two",
        ),
    ],
)
def test_what_is_not_found_is_told_with_the_remedy(
    containers: tuple[dict[str, Any], ...], asked: dict[str, str], problem: str
) -> None:
    assert found(*containers, **asked) == [problem]


@pytest.mark.parametrize("asked", [{"container": "decoy", "server": "kserve"}, {}])
def test_a_second_server_would_stand_open(asked: dict[str, str]) -> None:
    decoy = {"name": "decoy", "image": "own"} if asked else triton(name="kserve-container")
    given, problems = shaped(pod(decoy, initContainers=[{**mlserver(), "restartPolicy": "Always"}])), list[str]()
    find(given, read_asked({names.PREFIX + name: value for name, value in asked.items()}, CONFIG, problems), problems)
    assert problems == [
        "container mlserver runs a model server too (mlserver, by its image), which nothing would guard; "
        "give it a pod of its own"
    ]


def test_no_more_containers_are_named_than_can_be_read() -> None:
    many = [{"name": f"c{index}", "image": "x"} for index in range(2_000)]
    [problem] = found(*many)
    assert problem.startswith("none of the containers (c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, …) is known")
