"""Manifests that projects publish, guarded: each beside the pod that comes of it, or the problems.

`REWRITE_GUARDED=1 pytest tests/unit/injector/test_manifests.py` writes `guarded/` anew; read the difference.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml

from sidecar.injector import names
from sidecar.injector.values import PodRefused
from sidecar.injector.workloads import guard_workload
from tests.unit.injector.pods import CA, CONFIG, MANIFESTS, manifest

GUARDED = MANIFESTS / "guarded"
GUARDABLE = [
    "kserve-mlserver",
    "kserve-sklearnserver",
    "kserve-tensorflow-serving",
    "kserve-tritonserver",
    "kserve-vllmserver",
    "torchserve-helm",
    "torchserve-mnist",
    "triton-onprem",
]


@pytest.mark.parametrize("name", GUARDABLE)
def test_is_guarded_as_it_is_written_beside_it(name: str) -> None:
    guarded = guard_workload(manifest(name), CONFIG, registry_ca=CA).pod
    file = GUARDED / f"{name}.yaml"
    if os.environ.get("REWRITE_GUARDED"):
        file.write_text(_text(guarded))
    assert guarded == yaml.safe_load(file.read_text())


def _text(guarded: dict[str, Any]) -> str:
    class Readable(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)

    Readable.add_representer(str, text)
    return yaml.dump(guarded, Dumper=Readable, sort_keys=False, width=1_000)


@pytest.mark.parametrize("name", GUARDABLE)
def test_guarding_twice_is_guarding_once(name: str) -> None:
    once = guard_workload(manifest(name), CONFIG, registry_ca=CA)
    assert guard_workload(once.pod, CONFIG, registry_ca=CA) == once


def test_every_manifest_is_in_a_test() -> None:
    refused = {"knative-sklearnserver", "kserve-torchserve", "vllm-docs"}
    assert {file.stem for file in MANIFESTS.glob("*.yaml")} == {*GUARDABLE, *refused}


def test_knatives_proxy_is_refused() -> None:
    assert _problems("knative-sklearnserver") == [
        "container queue-proxy: Knative's queue-proxy calls the model itself; use KServe's mode Standard "
        "(RawDeployment)"
    ]


def test_torchserve_behind_a_server_of_its_images_own_is_refused() -> None:
    assert _problems("kserve-torchserve") == [
        "image pytorch/torchserve-kfs puts a server of its own on 0.0.0.0:8080 before TorchServe; run TorchServe "
        "itself, such as pytorch/torchserve with --ts-config"
    ]


def test_a_script_is_refused_with_the_flags_that_it_lacks() -> None:
    assert _problems("vllm-docs") == [
        "container vllm starts its server by a shell's script, to which no flags can be added; write command and "
        "args as lists of words, or add to the script: --host=127.0.0.1 --port=8000"
    ]


def test_a_script_that_has_the_flags_is_guarded() -> None:
    workload = manifest("vllm-docs")
    [container] = workload["spec"]["template"]["spec"]["containers"]
    script = "exec vllm serve meta-llama/Llama-3.2-1B-Instruct --host 127.0.0.1 --port=8000"
    container["args"] = [script]
    guarded: dict[str, Any] = guard_workload(workload, CONFIG, registry_ca=CA).pod
    template = guarded["spec"]["template"]
    assert template["spec"]["containers"][0]["args"] == [script]
    assert template["metadata"]["labels"][names.LABEL_GUARDED] == "true"


def _problems(name: str) -> list[str]:
    with pytest.raises(PodRefused) as refused:
        guard_workload(manifest(name), CONFIG, registry_ca=CA)
    return refused.value.problems
