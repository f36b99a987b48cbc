from __future__ import annotations

import pytest

from sidecar.injector.servers.catalogue import SERVERS, recognised
from sidecar.injector.servers.command import Command
from sidecar.settings.checks import SERVER_KINDS


def kinds(**container: object) -> tuple[list[str], str]:
    servers, told_by = recognised(Command({"name": "c", **container}))  # type: ignore[typeddict-item]
    return [server.kind for server in servers], told_by


def test_every_kind_of_the_sidecar_is_known() -> None:
    assert tuple(SERVERS) == SERVER_KINDS


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("nvcr.io/nvidia/tritonserver:26.07-py3", "triton"),
        ("registry.example:5000/ml/tritonserver-custom@sha256:00", "triton"),
        ("pytorch/torchserve:latest-cpu", "torchserve"),
        ("kserve/sklearnserver:v0.21.0", "kserve"),
        ("kserve/huggingfaceserver:v0.21.0-gpu", "kserve"),
        ("docker.io/seldonio/mlserver:1.7.1", "mlserver"),
        ("mlserver", "mlserver"),
        ("tensorflow/serving:2.19.0-gpu", "tfserving"),
        ("vllm/vllm-openai:v0.21.0", "openai"),
    ],
)
def test_images(image: str, kind: str) -> None:
    assert kinds(image=image) == ([kind], "its image")


@pytest.mark.parametrize("image", ["nginx", "tritonserver.example/nginx", "my/nottorchserve", ""])
def test_images_of_others(image: str) -> None:
    assert kinds(image=image) == ([], "its image")


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["/opt/tritonserver/bin/tritonserver", "--model-repository=/m"], "triton"),
        (["torchserve", "--start"], "torchserve"),
        (["python", "-m", "sklearnserver"], "kserve"),
        (["mlserver", "start", "."], "mlserver"),
        (["/usr/bin/tensorflow_model_server"], "tfserving"),
        (["python", "-m", "vllm.entrypoints.openai.api_server"], "openai"),
        (["/bin/sh", "-c", "cd /m && exec tritonserver --log-verbose=1"], "triton"),
    ],
)
def test_programs_count_more_than_images(words: list[str], kind: str) -> None:
    assert kinds(image="pytorch/torchserve", command=words) == ([kind], "its command line")
