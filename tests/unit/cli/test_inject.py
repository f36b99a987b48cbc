from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidecar.injector.config import InjectorConfig
from sidecar.injector.workloads import guard_workload
from tests.process import REPOSITORY
from tests.unit.cli.injector.calls import REFUSED, SERVICE, deployment, run, write
from tests.unit.injector.serving.parts import CONFIG

TOOLS = REPOSITORY / ".servers/kubernetes"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "injector.yaml").write_text(CONFIG)
    return tmp_path / "injector.yaml"


def guarded(registry_ca: str | None = None, namespace: str = "default") -> dict[str, Any]:
    settings = InjectorConfig.parse(CONFIG)
    return guard_workload(deployment(), settings, registry_ca=registry_ca, namespace=namespace).pod


def documents(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


def test_every_document_comes_out_those_with_pods_guarded(tmp_path: Path, config: Path) -> None:
    path = write(tmp_path / "x.yaml", SERVICE, deployment())
    shown = run("inject", "-f", str(path), "--config", str(config))
    assert (shown.exit_code, shown.stderr) == (0, "sidecar: Deployment/credit is guarded\n")
    assert documents(shown.stdout) == [SERVICE, guarded()]


def test_what_is_guarded_comes_out_the_same(tmp_path: Path, config: Path) -> None:
    path = write(tmp_path / "x.yaml", deployment())
    once = run("inject", "-f", str(path), "--config", str(config)).stdout
    assert run("inject", "-f", "-", "--config", str(config), given=once).stdout == once


def test_a_file_is_written_whole_also_in_place(tmp_path: Path, config: Path) -> None:
    path = write(tmp_path / "x.yaml", deployment())
    (tmp_path / "ca.crt").write_text("an authority")
    flags = [
        "--config",
        str(config),
        "--registry-ca",
        str(tmp_path / "ca.crt"),
        "--namespace",
        "models",
        "-o",
        str(path),
    ]
    assert run("inject", "-f", str(path), *flags).stdout == ""
    assert documents(path.read_text()) == [guarded("an authority", "models")]
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_refusal_writes_nothing(tmp_path: Path, config: Path) -> None:
    path = write(tmp_path / "x.yaml", deployment(), REFUSED)
    shown = run("inject", "-f", str(path), "--config", str(config), "-o", str(tmp_path / "out.yaml"))
    assert (shown.exit_code, shown.stdout, (tmp_path / "out.yaml").exists()) == (1, "", False)
    assert len(shown.stderr.splitlines()) >= 2
    assert all(line.startswith("sidecar: Deployment/refused: ") for line in shown.stderr.splitlines())


def test_a_configuration_is_required(tmp_path: Path) -> None:
    shown = run("inject", "-f", str(write(tmp_path / "x.yaml", deployment())))
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert "--config: is required" in shown.stderr


@pytest.mark.parametrize("given", ["a: [", "- 1"])
def test_what_is_no_manifest_is_bad_usage(config: Path, given: str) -> None:
    shown = run("inject", "-f", "-", "--config", str(config), given=given)
    assert (shown.exit_code, shown.stdout) == (2, "")


def test_where_nothing_has_pods_it_says_so(config: Path) -> None:
    shown = run("inject", "-f", "-", "--config", str(config), given=yaml.safe_dump(SERVICE))
    assert (shown.exit_code, documents(shown.stdout)) == (0, [SERVICE])
    assert shown.stderr == "sidecar: -: nothing in it has a pod template; it comes out as it was\n"


def test_a_place_that_cannot_be_written_is_bad_usage(tmp_path: Path, config: Path) -> None:
    path = write(tmp_path / "x.yaml", deployment())
    shown = run("inject", "-f", str(path), "--config", str(config), "-o", str(path / "below"))
    assert (shown.exit_code, shown.stderr.splitlines()[-1][:8]) == (2, "sidecar:")


def resource_list(*items: dict[str, Any], **function: Any) -> str:
    api = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList"}
    return yaml.safe_dump({**api, "items": list(items), "functionConfig": function})


def test_a_resource_list_comes_out_as_one_guarded_by_its_function_configuration() -> None:
    shown = run("inject", "-f", "-", given=resource_list(SERVICE, deployment(), spec=yaml.safe_load(CONFIG)))
    [found] = documents(shown.stdout)
    assert (found["kind"], found["items"]) == ("ResourceList", [SERVICE, guarded()])


def test_a_function_configuration_that_is_no_good_is_told() -> None:
    shown = run("inject", "-f", "-", given=resource_list(deployment(), spec={"engine": "x", "admin": 1}))
    assert shown.exit_code == 2
    assert all(line.startswith("sidecar: functionConfig.spec: ") for line in shown.stderr.splitlines())


def test_help_has_examples() -> None:
    assert "Examples:" in run("inject", "--help").output


def built(tool: str, *words: str) -> dict[str, Any]:
    """The example's pods, as Kustomize makes them, with the scripts of this Python on PATH."""
    path = TOOLS / tool
    if not path.exists():
        pytest.skip(f"{path} is not there: run scripts/install-kubernetes")
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [str(path), *words, "--enable-alpha-plugins", str(REPOSITORY / "kustomize/example")]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    [found] = documents(done.stdout.decode())
    return found["spec"]["template"]["spec"]


def test_the_kustomize_component_guards_and_takes_its_gate_away() -> None:
    spec = built("kustomize", "build", "--enable-exec")
    assert [container["name"] for container in spec["initContainers"]] == ["policy-sidecar"]
    assert "schedulingGates" not in spec


def test_where_kustomize_leaves_the_function_out_no_pod_is_scheduled() -> None:
    spec = built("kubectl", "kustomize")
    assert spec["schedulingGates"] == [{"name": "model-policy-sidecar.io/unguarded"}]
    assert "initContainers" not in spec


def test_an_authority_that_is_no_text_is_told_by_its_flag(tmp_path: Path, config: Path) -> None:
    path, ca = write(tmp_path / "x.yaml", deployment()), tmp_path / "ca.der"
    ca.write_bytes(b"\x80")
    shown = run("inject", "-f", str(path), "--config", str(config), "--registry-ca", str(ca))
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr.startswith(f"sidecar: --registry-ca: {ca}: ")
