"""A real Triton as a context manager: the server binary that PyPI's nvidia-pytriton carries, on the CPU.

Its models: `credit`; `story`, which answers a word at a time (decoupled); `echo`, which takes and gives BYTES, in
batches.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import ModelServer, free_ports, installed, running, scratch

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent
STUB = "triton_python_backend_stub"


@contextmanager
def triton(port: int = 0) -> Generator[ModelServer]:
    """A real Triton; port 0 picks one. It manages models on the same port. Raises `ServerError`."""
    http, grpc, metrics, sagemaker = free_ports(4, port)
    [packages] = (installed("triton") / "lib").glob("python3.*/site-packages")
    url = f"http://127.0.0.1:{http}"
    row = {"shape": [1], "datatype": "FP64"}
    inputs = [{"name": "income", **row, "data": [50]}, {"name": "loan_amount", **row, "data": [150]}]
    with scratch("triton") as folder:
        _python_backend(packages, folder / "backends" / "python")
        command = [str(packages / "pytriton/tritonserver/bin/tritonserver"), "--model-repository", str(HERE / "models")]
        command += ["--backend-directory", str(folder / "backends")]
        command += ["--model-control-mode", "explicit", "--load-model", "*"]
        command += ["--http-address", "127.0.0.1", "--http-port", str(http)]
        command += ["--grpc-address", "127.0.0.1", "--grpc-port", str(grpc)]
        command += ["--metrics-address", "127.0.0.1", "--metrics-port", str(metrics)]
        command += ["--allow-sagemaker", "true", "--sagemaker-port", str(sagemaker)]
        command += ["--http-header-forward-pattern", ".*"]  # or models see no header
        server = ModelServer(
            kind="triton",
            url=url,
            management_url=url,
            infer_path="/v2/models/credit/infer",
            example={"inputs": inputs, "outputs": [{"name": "score"}, {"name": "label"}]},
            log=folder / "server.log",
            sagemaker_url=f"http://127.0.0.1:{sagemaker}",
        )
        env = {
            "SAGEMAKER_TRITON_DEFAULT_MODEL_NAME": "credit",
            "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
            # The Python within the backend takes its modules from where it finds a `python3`: numpy has to be this one.
            "PATH": f"{installed('triton/bin')}:{os.environ['PATH']}",
        }
        with running(server, command, env):
            yield server


def _python_backend(packages: Path, folder: Path) -> None:
    """Links the backend together: the wheel keeps its process apart, one for each Python."""
    bundle = packages / "pytriton/tritonserver"
    version = packages.parent.name.removeprefix("python")
    folder.mkdir(parents=True)
    for part in [*(bundle / "backends/python").iterdir(), bundle / "python_backend_stubs" / version / STUB]:
        (folder / part.name).symlink_to(part)
