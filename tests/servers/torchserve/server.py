"""A real TorchServe as a context manager."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import START_TIMEOUT_S, ModelServer, ServerError, free_ports, installed, running, scratch

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent


@contextmanager
def torchserve(port: int = 0) -> Generator[ModelServer]:
    """A real TorchServe; port 0 picks one. Raises `ServerError`."""
    ports = free_ports(5, port)
    command = [str(installed("torchserve/bin/torchserve")), "--start", "--foreground", "--ncs"]
    command += ["--disable-token-auth", "--ts-config", "config.properties"]
    command += ["--model-store", ".", "--models", "credit=credit.mar"]
    with scratch("torchserve") as folder:
        server = ModelServer(
            kind="torchserve",
            url=f"http://127.0.0.1:{ports[0]}",
            management_url=f"http://127.0.0.1:{ports[1]}",
            infer_path="/predictions/credit",
            example={"income": 50, "loan_amount": 150},
            log=folder / "server.log",
        )
        (folder / "config.properties").write_text(_config(ports))
        _archive_model(folder)
        env = {
            "JAVA_HOME": str(installed("java")),
            "PYTHONPATH": str(HERE / "stub"),
            "TMPDIR": str(folder),  # for its pid file: with one in the common /tmp a second server won't start
        }
        with running(server, command, env, lambda launcher: _end_java(launcher, folder)):
            _register_workflow(server, folder / "credit.war")
            yield server


def _config(ports: list[int]) -> str:
    inference, management, metrics, grpc_inference, grpc_management = ports
    return f"""\
inference_address=http://127.0.0.1:{inference}
management_address=http://127.0.0.1:{management}
metrics_address=http://127.0.0.1:{metrics}
grpc_inference_address=127.0.0.1
grpc_inference_port={grpc_inference}
grpc_management_address=127.0.0.1
grpc_management_port={grpc_management}
default_workers_per_model=1
disable_token_authorization=true
workflow_store=.
"""


def _archive_model(folder: Path) -> None:
    command = [
        str(installed("torchserve/bin/torch-model-archiver")),
        "--model-name",
        "credit",
        "--version",
        "1.0",
    ]
    command += ["--handler", str(HERE / "handler.py")]
    command += ["--extra-files", str(HERE.parent / "model" / "credit_score.py"), "--export-path", str(folder)]
    # It works in a folder of /tmp that it names after the model, where two at once meet.
    env = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    if done.returncode:
        raise ServerError(f"torch-model-archiver failed:\n{done.stderr}")


def _register_workflow(server: ModelServer, archive: Path) -> None:
    """What torch-workflow-archiver makes, and TorchServe's management takes."""
    workflow = {"workflowName": "credit", "specFile": "spec.yaml", "handler": "functions.py"}
    manifest = {"archiverVersion": "0.2.15", "createdOn": "01/01/2026 00:00:00", "workflow": workflow}
    with zipfile.ZipFile(archive, "w") as war:
        war.writestr("WAR-INF/MANIFEST.json", json.dumps(manifest))
        for name in ("spec.yaml", "functions.py"):
            war.write(HERE / "workflow" / name, name)
    request = urllib.request.Request(f"{server.management_url}/workflows?url={archive.name}", method="POST")
    try:
        urllib.request.urlopen(request, timeout=START_TIMEOUT_S).close()
    except urllib.error.HTTPError as error:
        with error:
            raise ServerError(f"the workflow was not taken: {error.read().decode()}") from error


def _end_java(launcher: subprocess.Popen[bytes], folder: Path) -> None:
    """Ends the Java child, after which its Python launcher ends too; the other way round Java lives on."""
    try:
        os.kill(int((folder / ".model_server.pid").read_text()), signal.SIGTERM)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        launcher.terminate()  # it has no child yet, or no longer
