"""A server process of the testbed: started in a scratch folder, awaited, and ended with all its children."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

START_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 20.0
PROBE_TIMEOUT_S = 2.0
INSTALLED = Path(__file__).resolve().parents[2] / ".servers"


class ServerError(RuntimeError):
    """A server that is not installed, ended early or never answered: the message tells, and shows its log."""


@dataclass(frozen=True, slots=True)
class ModelServer:
    """A running model server with the model `credit`. The URLs end without a slash."""

    kind: str  # as in `sidecar run --server KIND`
    url: str
    management_url: str
    infer_path: str
    example: Mapping[str, Any]  # a request body; its score is 0.5
    log: Path  # its standard output and error
    sagemaker_url: str = ""  # where the server has a port for SageMaker's routes


def installed(path: str) -> Path:
    """What `scripts/install-servers` put there, by its path in `.servers`. Raises `ServerError`."""
    if not (INSTALLED / path).exists():
        raise ServerError(f"{INSTALLED / path} is missing: run scripts/install-servers")
    return INSTALLED / path


@contextmanager
def scratch(name: str) -> Generator[Path]:
    """A folder to start a server in: each writes logs and metrics beside itself."""
    # A child killed at the end may still hold a file; what is left in /tmp then is small.
    with tempfile.TemporaryDirectory(prefix=f"sidecar-{name}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def free_ports(count: int, first: int = 0) -> list[int]:
    """That many different loopback ports on which nothing listens; the first is `first`, where given."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for port, each in zip([first] + [0] * (count - 1), sockets, strict=True):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections do not hold a port
            try:
                each.bind(("127.0.0.1", port))
            except OSError as error:
                raise ServerError(f"port {port}: {error.strerror}") from error
        return [each.getsockname()[1] for each in sockets]


def terminate(process: subprocess.Popen[bytes]) -> None:
    """The plain way to ask a server to end."""
    process.terminate()


@contextmanager
def running(
    server: ModelServer,
    command: list[str],
    env: Mapping[str, str],
    ask_to_end: Callable[[subprocess.Popen[bytes]], None] = terminate,
) -> Generator[ModelServer]:
    """Yields once the model answers. Afterwards nothing of it runs. Raises `ServerError`."""
    # In a session of its own: its pid names the whole group, and Ctrl-C in a terminal reaches only us.
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=server.log.parent,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _await_prediction(server, process)
        yield server
    finally:
        _end(process, ask_to_end)


def _await_prediction(server: ModelServer, process: subprocess.Popen[bytes]) -> None:
    # Some servers call themselves ready before their model answers, so the probe is a prediction.
    deadline = time.monotonic() + START_TIMEOUT_S
    while not _predicts(server):
        if process.poll() is not None:
            raise ServerError(f"{server.kind} ended with {process.returncode}:\n{_tail(server.log)}")
        if time.monotonic() > deadline:
            raise ServerError(f"{server.kind}: no prediction in {START_TIMEOUT_S} s:\n{_tail(server.log)}")
        time.sleep(0.1)


def _predicts(server: ModelServer) -> bool:
    request = urllib.request.Request(
        server.url + server.infer_path,
        data=json.dumps(server.example).encode(),
        headers={"Content-Type": "application/json"},
    )
    # No proxy named in the environment may stand between us and a loopback address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PROBE_TIMEOUT_S) as response:
            return response.status == 200
    except OSError:  # refused, timed out, or an HTTP error: not ready yet
        return False


def _end(process: subprocess.Popen[bytes], ask_to_end: Callable[[subprocess.Popen[bytes]], None]) -> None:
    try:
        if process.poll() is None:
            ask_to_end(process)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_TIMEOUT_S)
    finally:
        # Whatever did not listen or outlived its parent, even where a second Ctrl-C cuts the wait short.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _tail(log: Path, limit_bytes: int = 3000) -> str:
    return log.read_bytes()[-limit_bytes:].decode(errors="replace")
