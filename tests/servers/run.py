"""The real model servers, each as a context manager on ports of its own.

    with mlserver() as server:          # or torchserve()
        post(server.url + server.infer_path, server.example)

By hand: `scripts/serve mlserver 8080`. Standard library only; `scripts/install-servers` installs the servers.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import ModelServer, ServerError, free_ports, running, scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from contextlib import AbstractContextManager

HERE = Path(__file__).resolve().parent
INSTALLED = HERE.parents[1] / ".servers"


@contextmanager
def mlserver(port: int = 0) -> Generator[ModelServer]:
    """A real MLServer; port 0 picks one. It manages models on the same port. Raises `ServerError`."""
    http, grpc, metrics = free_ports(3, port)
    url = f"http://127.0.0.1:{http}"
    row = {"shape": [1], "datatype": "FP64"}
    inputs = [{"name": "income", **row, "data": [50]}, {"name": "loan_amount", **row, "data": [150]}]
    env = {
        "MLSERVER_HOST": "127.0.0.1",
        "MLSERVER_HTTP_PORT": str(http),
        "MLSERVER_GRPC_PORT": str(grpc),
        "MLSERVER_METRICS_PORT": str(metrics),
        "PYTHONPATH": str(HERE / "model"),
    }
    command = [_installed("mlserver/bin/mlserver"), "start", str(HERE / "mlserver")]
    with scratch("mlserver") as folder:
        server = ModelServer(
            kind="mlserver",
            url=url,
            management_url=url,
            infer_path="/v2/models/credit/infer",
            example={"inputs": inputs},
            log=folder / "server.log",
        )
        with running(server, command, env):
            yield server


@contextmanager
def torchserve(port: int = 0) -> Generator[ModelServer]:
    """A real TorchServe; port 0 picks one. Raises `ServerError`."""
    ports = free_ports(5, port)
    command = [_installed("torchserve/bin/torchserve"), "--start", "--foreground", "--ncs"]
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
        (folder / "config.properties").write_text(_torchserve_config(ports))
        _archive_torchserve_model(folder)
        env = {
            "JAVA_HOME": _installed("java"),
            "PYTHONPATH": str(HERE / "torchserve" / "stub"),
            "TMPDIR": str(folder),  # for its pid file: with one in the common /tmp a second server won't start
        }
        with running(server, command, env, lambda launcher: _end_java(launcher, folder)):
            yield server


SERVERS: Mapping[str, Callable[[int], AbstractContextManager[ModelServer]]] = {
    "mlserver": mlserver,
    "torchserve": torchserve,
}


def _installed(path: str) -> str:
    if not (INSTALLED / path).exists():
        raise ServerError(f"{INSTALLED / path} is missing: run scripts/install-servers")
    return str(INSTALLED / path)


def _torchserve_config(ports: list[int]) -> str:
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
"""


def _archive_torchserve_model(folder: Path) -> None:
    command = [
        _installed("torchserve/bin/torch-model-archiver"),
        "--model-name",
        "credit",
        "--version",
        "1.0",
    ]
    command += ["--handler", str(HERE / "torchserve" / "handler.py")]
    command += ["--extra-files", str(HERE / "model" / "credit_score.py"), "--export-path", str(folder)]
    # It works in a folder of /tmp that it names after the model, where two at once meet.
    env = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
    if done.returncode:
        raise ServerError(f"torch-model-archiver failed:\n{done.stderr}")


def _end_java(launcher: subprocess.Popen[bytes], folder: Path) -> None:
    """Ends the Java child, after which its Python launcher ends too; the other way round Java lives on."""
    try:
        os.kill(int((folder / ".model_server.pid").read_text()), signal.SIGTERM)
    except (FileNotFoundError, ValueError, ProcessLookupError):
        launcher.terminate()  # it has no child yet, or no longer


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Runs one real model server with the model `credit` until Ctrl-C or SIGTERM."""
    parser = argparse.ArgumentParser(prog="scripts/serve", description=main.__doc__)
    parser.add_argument("kind", choices=sorted(SERVERS))
    parser.add_argument("port", nargs="?", type=int, default=8080)
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with SERVERS[arguments.kind](arguments.port) as server:
            print(f"{server.kind} serves the model credit; its log is {server.log}. Try:")
            url = server.url + server.infer_path
            print(
                f"curl -H 'Content-Type: application/json' -d '{json.dumps(server.example)}' {url}",
                flush=True,
            )
            while True:
                signal.pause()
    except KeyboardInterrupt:
        return 0
    except ServerError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
