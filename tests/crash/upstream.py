"""A model server in a process of its own: it notes the decision id of whatever reaches it before it does anything.

    python -m tests.crash.upstream ARRIVALS_FILE

prints its port and serves until its standard input ends. What it does is named by the request's `id` (`Behaviour`).
"""

from __future__ import annotations

import asyncio
import enum
import json
import os
import random
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

REPOSITORY = Path(__file__).resolve().parents[2]
LONGEST_S = 0.004
"""Answers take up to this long, so that a kill finds exchanges in every stage."""
SLOW_S = 0.3


class Behaviour(enum.StrEnum):
    """What the model does with a request."""

    PREDICTS = "predicts"
    OUTLIER = "outlier"  # a score outside of the group's band
    FAILS = "fails"  # 500
    DROPS = "drops"  # closes the connection without an answer
    SLOW = "slow"  # predicts, after `SLOW_S`


_DECISION_ID = re.compile(rb"\r\nx-decision-id: *([0-9a-f]+)", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Model:
    """Serves one connection at a time a call; `arrivals_fd` is open for appending."""

    def __init__(self, arrivals_fd: int) -> None:
        self._arrivals_fd = arrivals_fd

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answers request after request until either side has enough."""
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the sidecar was killed
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        self._note(_DECISION_ID.findall(head))
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        behaviour = Behaviour(json.loads(body)["id"])
        await asyncio.sleep(SLOW_S if behaviour is Behaviour.SLOW else random.uniform(0, LONGEST_S))
        if behaviour is Behaviour.DROPS:
            return False
        writer.write(_answer(behaviour))
        await writer.drain()
        return True

    def _note(self, decision_ids: list[bytes]) -> None:
        """One write, so that it is whole: a reader may come at any time."""
        lines = (b"%s %d\n" % (each, time.time_ns()) for each in decision_ids or [b"none"])
        os.write(self._arrivals_fd, b"".join(lines))


def _answer(behaviour: Behaviour) -> bytes:
    outputs = [
        {"name": "score", "shape": [1], "datatype": "FP64", "data": [0.99 if behaviour is Behaviour.OUTLIER else 0.5]},
        {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["approve"]},
    ]
    body = json.dumps({"model_name": "credit", "outputs": outputs}).encode()
    status = b"500 Internal Server Error" if behaviour is Behaviour.FAILS else b"200 OK"
    head = b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


async def _serve(arrivals: Path) -> None:
    model = Model(os.open(arrivals, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    server = await asyncio.start_server(model.connected, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


@contextmanager
def recording_model(arrivals: Path) -> Generator[str]:
    """Runs the model server; yields its URL."""
    command = [sys.executable, "-m", "tests.crash.upstream", str(arrivals)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
