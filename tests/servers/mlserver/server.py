"""A real MLServer as a context manager."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import ModelServer, free_ports, installed, running, scratch

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent


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
        "PYTHONPATH": str(HERE.parent / "model"),
    }
    command = [str(installed("mlserver/bin/mlserver")), "start", str(HERE)]
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
