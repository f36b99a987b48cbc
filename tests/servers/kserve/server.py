"""A real KServe Python server as a context manager."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import ModelServer, free_ports, installed, running, scratch

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent


@contextmanager
def kserve(port: int = 0) -> Generator[ModelServer]:
    """A real KServe Python server; port 0 picks one. It manages models on the same port. Raises `ServerError`."""
    http, grpc = free_ports(2, port)
    url = f"http://127.0.0.1:{http}"
    command = [str(installed("kserve/bin/python")), str(HERE / "model.py"), str(http), str(grpc)]
    with scratch("kserve") as folder:
        server = ModelServer(
            kind="kserve",
            url=url,
            management_url=url,
            infer_path="/v1/models/credit:predict",
            example={"instances": [{"income": 50, "loan_amount": 150}]},
            log=folder / "server.log",
        )
        with running(server, command, {"PYTHONPATH": str(HERE.parent / "model")}):
            yield server
