"""Memory that a large request costs a real `sidecar run`, from the first byte of it to the last of its answer.

What a process holds at most is its `VmHWM`, which Linux starts afresh on request (proc(5), `clear_refs`).
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import workload
from bench.discard import discarding
from bench.processes import BenchError
from bench.stack import sidecar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.stack import Sidecar

MIB = 2**20
FRAMINGS = ("length", "chunks")
"""By `Content-Length`, and in chunks of unknown number."""
LATER = 3
HEADROOM_BYTES = MIB
"""Of `--body-limit` above the tensor: for the body's JSON head."""
SMALL_BYTES = 4_096
PART_BYTES = MIB
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class Held:
    """One request of so many bytes, and what the sidecar's process held above its idle memory meanwhile."""

    framing: str
    request: str  # "first": in a fresh process; "later": after others of its size
    body_bytes: int
    idle_bytes: int
    peak_bytes: int
    after_bytes: int

    @property
    def copies(self) -> float:
        """Of the body, in the peak."""
        return (self.peak_bytes - self.idle_bytes) / self.body_bytes


def held(folder: Path, tensor_bytes: int) -> list[Held]:
    """For every framing the first request in a fresh process, and the worst of the `LATER` ones."""
    found: list[Held] = []
    for framing in FRAMINGS:
        first, *later = _in_turn(folder, framing, tensor_bytes)
        found += [first, max(later, key=lambda each: each.copies)]
    return found


def _in_turn(folder: Path, framing: str, tensor_bytes: int) -> list[Held]:
    flags = ["--server", "triton", "--body-limit", str(tensor_bytes + HEADROOM_BYTES)]
    with (
        discarding() as address,
        sidecar(folder, address, mode="enforce", engine="embedded", name=framing, flags=flags) as running,
    ):
        _send(running.address, framing, SMALL_BYTES)
        requests = ["first", *["later"] * LATER]
        return [_measured(running, framing, request, tensor_bytes) for request in requests]


def _measured(running: Sidecar, framing: str, request: str, tensor_bytes: int) -> Held:
    pid = running.pid
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    idle_bytes = _status_bytes(pid, "VmRSS")
    sent_bytes = _send(running.address, framing, tensor_bytes)
    return Held(framing, request, sent_bytes, idle_bytes, _status_bytes(pid, "VmHWM"), _status_bytes(pid, "VmRSS"))


def _status_bytes(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise BenchError(f"/proc has no {name}")


def _send(address: str, framing: str, tensor_bytes: int) -> int:
    """One request with a binary tensor; gives its body's length. Parts go out as they are made: nothing is held."""
    head = _json_head(tensor_bytes)
    length = len(head) + tensor_bytes
    fields = workload.headers() | {"Host": address, "Inference-Header-Content-Length": str(len(head))}
    fields |= {"Content-Length": str(length)} if framing == "length" else {"Transfer-Encoding": "chunked"}
    lines = [f"POST {workload.PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        for part in _parts(head, tensor_bytes):
            connection.sendall(part if framing == "length" else b"%x\r\n%b\r\n" % (len(part), part))
        if framing == "chunks":
            connection.sendall(b"0\r\n\r\n")
        _expect_prediction(connection)
    return length


def _json_head(tensor_bytes: int) -> bytes:
    tensor = {
        "name": "features",
        "shape": [1, tensor_bytes],
        "datatype": "UINT8",
        "parameters": {"binary_data_size": tensor_bytes},
    }
    return json.dumps({"inputs": [tensor]}).encode()


def _parts(head: bytes, tensor_bytes: int) -> Iterator[bytes]:
    yield head
    part = bytes(range(256)) * (PART_BYTES // 256)
    for start in range(0, tensor_bytes, PART_BYTES):
        yield part[: tensor_bytes - start]


def _expect_prediction(connection: socket.socket) -> None:
    with connection.makefile("rb") as answer:
        status = answer.readline()
        if b" 200 " not in status:
            while answer.readline().strip():
                pass
            raise BenchError(f"expected the upstream's prediction, got {status!r}: {answer.read(2_000)!r}")
