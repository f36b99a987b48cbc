"""fakellm, a mock of OpenAI's chat completions, as a context manager: real for shapes and streams, not for a model."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.process import ModelServer, free_ports, installed, running, scratch

if TYPE_CHECKING:
    from collections.abc import Generator

HERE = Path(__file__).resolve().parent


@contextmanager
def fakellm(port: int = 0) -> Generator[ModelServer]:
    """A real fakellm; port 0 picks one. It manages itself on the same port. Raises `ServerError`."""
    [http] = free_ports(1, port)
    url = f"http://127.0.0.1:{http}"
    command = [str(installed("fakellm/bin/fakellm")), "serve", "--port", str(http)]
    command += ["--config", str(HERE / "rules.yaml")]
    question = {"role": "user", "content": "How likely is it that 50 a year repays 150?"}
    with scratch("fakellm") as folder:
        server = ModelServer(
            kind="openai",
            url=url,
            management_url=url,
            infer_path="/v1/chat/completions",
            example={"model": "credit", "messages": [question]},
            log=folder / "server.log",
        )
        with running(server, command, {}):
            yield server
