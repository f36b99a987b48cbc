from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.injector import names
from sidecar.injector.guard import guard
from tests.unit.injector.pods import CA, CONFIG, config, mlserver, pod, triton

if TYPE_CHECKING:
    from pathlib import Path

TORCHSERVE = {"name": "torchserve", "image": "pytorch/torchserve:0.12.0-cpu"}
SERVING: list[dict[str, Any]] = [triton(), mlserver(), TORCHSERVE]


def guard_containers(given: dict[str, Any]) -> dict[str, dict[str, Any]]:
    spec: Any = guard(given, CONFIG, namespace="models", registry_ca=CA).pod["spec"]
    return {one["name"]: one for one in spec["initContainers"] if one["name"] in names.GUARD_CONTAINERS}


@pytest.mark.parametrize("container", SERVING)
def test_pass_pod_security_restricted(container: dict[str, Any]) -> None:
    """Source: Pod Security Standards, restricted."""
    for made in guard_containers(pod(container)).values():
        security = made["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["privileged"] is False
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert security["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("container", SERVING)
def test_no_token_of_the_service_account_is_mounted(container: dict[str, Any]) -> None:
    """Its admission leaves a container alone that has something mounted there."""
    for made in guard_containers(pod(container)).values():
        mounts = {mount["mountPath"]: mount["name"] for mount in made["volumeMounts"]}
        assert mounts["/var/run/secrets/kubernetes.io/serviceaccount"] in (names.TMP_VOLUME, names.TORCHSERVE_VOLUME)


def test_the_socket_is_the_guards_alone() -> None:
    made = guard(pod(TORCHSERVE, {"name": "other"}), CONFIG, namespace="models", registry_ca=CA).pod
    spec: Any = made["spec"]
    having = [
        one["name"]
        for one in [*spec["containers"], *spec["initContainers"]]
        if names.SOCKET_VOLUME in [mount["name"] for mount in one.get("volumeMounts") or []]
    ]
    assert having == [names.OPA, names.SIDECAR]


def test_the_ports_entry_keeps_its_name() -> None:
    ports = guard_containers(pod(triton()))[names.SIDECAR]["ports"]
    assert ports == [
        {"name": "http", "containerPort": 8000, "protocol": "TCP"},
        {"name": "policy-admin", "containerPort": 8091, "protocol": "TCP"},
    ]


def test_resources_and_pull_policy_are_the_operators() -> None:
    made = config(image_pull_policy="Always", resources={"sidecar": {"limits": {"cpu": "1"}}})
    spec: Any = guard(pod(triton()), made, namespace="models", registry_ca=None).pod["spec"]
    assert spec["initContainers"][1]["resources"] == {"limits": {"cpu": "1"}}
    assert {one["imagePullPolicy"] for one in spec["initContainers"]} == {"Always"}


@pytest.mark.parametrize(
    ("of_container", "of_pod", "user"),
    [
        ({}, {}, 1000),
        ({"runAsUser": 33}, {"runAsUser": 44}, 33),
        ({}, {"runAsUser": 44}, 44),
        ({"runAsUser": 0}, {}, 1000),
    ],
)
def test_torchserves_file_is_read_by_the_servers_user_but_never_by_root(
    of_container: dict[str, int], of_pod: dict[str, int], user: int
) -> None:
    given = pod({**TORCHSERVE, "securityContext": of_container}, securityContext=of_pod)
    assert guard_containers(given)[names.TORCHSERVE_CONFIG]["securityContext"]["runAsUser"] == user


def test_torchserves_file_may_lie_in_a_volume() -> None:
    mounts = [
        {"name": "models", "mountPath": "/mnt"},
        {"name": "config", "mountPath": "/mnt/config/", "subPath": "a"},
        {"name": "other", "mountPath": "/mnt/conf"},
    ]
    given = pod(
        {**TORCHSERVE, "args": ["torchserve", "--ts-config=/mnt/config/a/c.properties"], "volumeMounts": mounts}
    )
    made = guard_containers(given)[names.TORCHSERVE_CONFIG]
    assert made["volumeMounts"] == [
        {"name": names.TORCHSERVE_VOLUME, "mountPath": "/run/policy-torchserve"},
        {"name": "config", "mountPath": "/mnt/config/", "subPath": "a", "readOnly": True},
        {
            "name": names.TORCHSERVE_VOLUME,
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            "readOnly": True,
        },
    ]


def written(tmp_path: Path, source: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Runs the init container's own command line, elsewhere."""
    made = guard_containers(pod({**TORCHSERVE, "args": list(args)} if args else TORCHSERVE))[names.TORCHSERVE_CONFIG]
    name, _, _, *lines = made["args"]
    command = [*made["command"], name, str(tmp_path / "target"), str(source), *lines]
    return subprocess.run(command, capture_output=True, text=True, check=False)


LINES = """
inference_address=http://127.0.0.1:8080
management_address=http://127.0.0.1:8081
grpc_inference_address=127.0.0.1
grpc_management_address=127.0.0.1
"""


@pytest.mark.parametrize("content", ["a=b\n", "inference_address=http://0.0.0.0:8080\nlast=1\\"])
def test_our_lines_stand_behind_the_files(tmp_path: Path, content: str) -> None:
    (tmp_path / "source").write_text(content)
    assert written(tmp_path, tmp_path / "source").returncode == 0
    assert (tmp_path / "target").read_text() == f"{content}\n{LINES}"


def test_an_image_may_have_no_file(tmp_path: Path) -> None:
    assert written(tmp_path, tmp_path / "none").returncode == 0
    assert (tmp_path / "target").read_text() == "\n" + LINES


def test_a_file_that_is_named_has_to_be_there(tmp_path: Path) -> None:
    done = written(tmp_path, tmp_path / "none", "torchserve", "--ts-config=/x")
    assert (done.returncode, done.stderr) == (1, f"cat: {tmp_path}/none: No such file or directory\n")
