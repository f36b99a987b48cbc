from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest
import uvicorn

from sidecar.serving import Server, bind_port, name_of


@pytest.mark.parametrize(("host", "start"), [("127.0.0.1", "127.0.0.1:"), ("::1", "[::1]:")])
def test_a_port_is_bound_and_named_as_in_a_url_and_closed_with_the_stack(host: str, start: str) -> None:
    problems: list[str] = []
    with ExitStack() as stack:
        bound = bind_port("--listen", host, 0, stack, problems)
        assert bound is not None
        assert name_of(bound) == f"{start}{bound.getsockname()[1]}"
    assert (bound.fileno(), problems) == (-1, [])


def test_a_port_in_use_is_told_with_the_remedy() -> None:
    problems: list[str] = []
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert bind_port("--admin", "127.0.0.1", port, stack, problems) is None
    [problem] = problems
    assert problem.startswith(f"--admin 127.0.0.1:{port}: Address already in use")
    assert problem.endswith("; choose another port, or 0 for any")


async def test_a_server_says_when_it_listens_and_leaves_signals_alone() -> None:
    listening = asyncio.Event()
    server = Server(uvicorn.Config(lambda *_: None, lifespan="off", log_config=None), listening.set)
    before = signal.getsignal(signal.SIGTERM)
    with socket.create_server(("127.0.0.1", 0)) as bound:
        serving = asyncio.create_task(server.serve([bound]))
        await listening.wait()
        assert signal.getsignal(signal.SIGTERM) is before
        server.should_exit = True
        await serving


def test_a_thread_that_hangs_does_not_hold_the_end_up() -> None:
    code = (
        "import threading; from sidecar.serving import end_in; "
        "threading.Thread(target=threading.Event().wait).start(); end_in(0.01)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 1
