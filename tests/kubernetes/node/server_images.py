"""The real model servers as images, each with the model `credit`: started, configured and laid out as their own are."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING

from tests.kubernetes.node.image import SYSTEM_PATH, Image, NoImage
from tests.kubernetes.programs import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SERVERS = REPOSITORY / ".servers"
MODELS = REPOSITORY / "tests" / "servers"
CREDIT = MODELS / "model"
USER = 1000
TORCHSERVE_HOME = "/home/model-server"
TORCHSERVE_CONFIG = f"""\
inference_address=http://0.0.0.0:8080
management_address=http://0.0.0.0:8081
metrics_address=http://0.0.0.0:8082
number_of_netty_threads=4
job_queue_size=1000
model_store={TORCHSERVE_HOME}/model-store
workflow_store={TORCHSERVE_HOME}/wf-store
load_models=credit.mar
default_workers_per_model=1
"""
TORCHSERVE_ENTRYPOINT = f"""\
#!/bin/bash
set -e
if [[ "$1" = "serve" ]]; then
    shift 1
    torchserve --start --ts-config {TORCHSERVE_HOME}/config.properties --disable-token-auth
else
    eval "$@"
fi
tail -f /dev/null
"""
KSERVE_MAIN = """\
from kserve import ModelServer
from model import CreditModel

ModelServer().start([CreditModel()])
"""


def _triton() -> Image:
    [packages] = _installed("triton/lib").glob("python3.*/site-packages")
    bundle = packages / "pytriton/tritonserver"
    version = packages.parent.name.removeprefix("python")
    stub = bundle / "python_backend_stubs" / version / "triton_python_backend_stub"
    parts = [*(bundle / "backends/python").iterdir(), stub]
    return Image(
        cmd=["tritonserver", "--model-repository=/models", "--backend-directory=/opt/tritonserver/backends"],
        env={
            "PATH": f"{SERVERS / 'triton/bin'}:{SYSTEM_PATH}",
            "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
        },
        user=USER,
        links={
            **{f"/opt/tritonserver/backends/python/{part.name}": part for part in parts},
            "/usr/local/bin/tritonserver": bundle / "bin/tritonserver",
            "/models": MODELS / "triton/models",
        },
    )


def _mlserver() -> Image:
    return Image(
        cmd=["mlserver", "start", "/mnt/models"],
        env={"PATH": f"{_installed('mlserver/bin')}:{SYSTEM_PATH}", "PYTHONPATH": str(CREDIT)},
        user=USER,
        workdir="/opt/mlserver",
        links={"/mnt/models": MODELS / "mlserver"},
    )


def _kserve() -> Image:
    return Image(
        entrypoint=[str(_installed("kserve/bin/python")), "/app/main.py"],
        env={"PYTHONPATH": f"{CREDIT}:{MODELS / 'kserve'}"},
        user=USER,
        contents={"/app/main.py": KSERVE_MAIN.encode()},
    )


def _torchserve() -> Image:
    return Image(
        entrypoint=["/usr/local/bin/dockerd-entrypoint.sh"],
        cmd=["serve"],
        env={
            "PATH": f"{_installed('torchserve/bin')}:{SYSTEM_PATH}",
            "JAVA_HOME": str(_installed("java")),
            "PYTHONPATH": str(MODELS / "torchserve/stub"),
            "TEMP": f"{TORCHSERVE_HOME}/tmp",
        },
        user=USER,
        workdir=TORCHSERVE_HOME,
        contents={
            "/usr/local/bin/dockerd-entrypoint.sh": TORCHSERVE_ENTRYPOINT.encode(),
            f"{TORCHSERVE_HOME}/config.properties": TORCHSERVE_CONFIG.encode(),
            f"{TORCHSERVE_HOME}/model-store/credit.mar": _model_archive(),
            f"{TORCHSERVE_HOME}/wf-store/.keep": b"",
            f"{TORCHSERVE_HOME}/tmp/.keep": b"",
        },
    )


def _vllm() -> Image:
    """fakellm in its place."""
    rules = str(MODELS / "fakellm/rules.yaml")
    return Image(entrypoint=[str(_installed("fakellm/bin/fakellm")), "serve", f"--config={rules}"], user=USER)


def _model_archive() -> bytes:
    """What torch-model-archiver makes."""
    model = {"modelName": "credit", "handler": "handler.py", "modelVersion": "1.0"}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as mar:
        mar.writestr("MAR-INF/MANIFEST.json", json.dumps({"runtime": "python", "model": model}))
        mar.write(MODELS / "torchserve/handler.py", "handler.py")
        mar.write(CREDIT / "credit_score.py", "credit_score.py")
    return archive.getvalue()


def _installed(path: str) -> Path:
    if not (SERVERS / path).exists():
        raise NoImage(f"{path} is not installed: run scripts/install-servers")
    return SERVERS / path


SERVER_IMAGES: Mapping[str, Callable[[], Image]] = {
    "tritonserver": _triton,
    "mlserver": _mlserver,
    "kserve": _kserve,
    "torchserve": _torchserve,
    "vllm-openai": _vllm,
}
