"""The processes that a measurement runs, and what they cost.

With two cores or more the sidecar has the first to itself; its OPA, the upstream and wrk share the others.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bench import workload

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
START_TIMEOUT_S = 30.0
CORES = sorted(os.sched_getaffinity(0))
SIDECAR_CORES = CORES[:1]
OTHER_CORES = CORES[1:] or CORES


class BenchError(RuntimeError):
    """A part did not start, or did not answer as the measurement needs."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What processes have used so far (CPU) and hold now (memory)."""

    cpu_s: float = 0.0
    resident_mib: float = 0.0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A running sidecar, its engine's processes apart from its own."""

    pid: int
    address: str  # host:port of its data port

    def cost(self) -> Cost:
        """Of the sidecar without its OPA."""
        return _cost([pid for pid in _tree(self.pid) if not _is_opa(pid)])

    def engine_cost(self) -> Cost:
        """Of its OPA; nothing with the embedded engine, which is part of the sidecar."""
        return _cost([pid for pid in _tree(self.pid) if _is_opa(pid)])


def bench_cpu_s() -> float:
    """What this program and all that it started have used, what has ended included."""
    ended = os.times()
    return _cost(_tree(os.getpid())).cpu_s + ended.children_user + ended.children_system


@contextmanager
def upstream(folder: Path) -> Generator[str]:
    """nginx with one fixed answer; yields host:port."""
    port = _free_port()
    template = Path(__file__).with_name("nginx.conf").read_text()
    filled = template.replace("FOLDER", str(folder)).replace("PORT", str(port)).replace("ANSWER", workload.answer())
    config = folder / "nginx.conf"
    config.write_text(filled)
    with _process(["nginx", "-p", str(folder), "-c", str(config)], OTHER_CORES) as process:
        _await_port(process, port)
        yield f"127.0.0.1:{port}"


@contextmanager
def sidecar(
    folder: Path,
    upstream_address: str,
    *,
    mode: str,
    engine: str,
    name: str = "",
    launcher: Sequence[str] = ("sidecar",),
    flags: Sequence[str] = (),
) -> Generator[Sidecar]:
    """`sidecar run` in front of the upstream, ready to serve.

    `launcher` stands for `sidecar` on its command line; `name` tells its files from those of another one.
    """
    name = name or f"{mode}-{engine}"
    (folder / "data.json").write_text(json.dumps(workload.data()))
    (folder / "keys.json").write_text(json.dumps(workload.key_set()))
    command = [*launcher, "run", "--upstream", f"http://{upstream_address}", "--server", "mlserver"]
    command += ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--engine", engine, "--mode", mode]
    command += ["--data", str(folder / "data.json"), "--audit-dir", str(folder / f"audit-{name}")]
    command += ["--consent-keys", str(folder / "keys.json"), "--consent-algorithms", "HS256"]
    command += ["--consent-issuer", workload.ISSUER, "--consent-audience", workload.AUDIENCE]
    command += flags
    log_file = folder / f"sidecar-{name}.log"
    with log_file.open("wb") as log, _process(command, SIDECAR_CORES, log) as process:
        ready = _ready_line(process, log_file)
        for pid in filter(_is_opa, _tree(process.pid)):
            _pin(pid, OTHER_CORES)
        yield Sidecar(pid=process.pid, address=ready)


@contextmanager
def _process(command: list[str], cores: list[int], log: IO[bytes] | None = None) -> Generator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
    _pin(process.pid, cores)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready_line(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise BenchError(f"the sidecar did not start:\n{log.read_text(errors='replace')[-3000:]}")
    return json.loads(line)["listen"]


def _free_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise BenchError("nginx did not start") from error
            time.sleep(0.02)
        else:
            return


def _pin(pid: int, cores: list[int]) -> None:
    # Affinity belongs to a thread; threads made later inherit it.
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


def _tree(pid: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(child) for child in (task / "children").read_text().split()]
    return [pid, *(descendant for child in children for descendant in _tree(child))]


def _is_opa(pid: int) -> bool:
    return Path(f"/proc/{pid}/comm").read_text().strip() == "opa"


def _cost(pids: list[int]) -> Cost:
    page_mib = os.sysconf("SC_PAGE_SIZE") / 2**20
    cpu_ticks = pages = 0
    for pid in pids:
        # The name, in parentheses, may hold spaces; what follows it is numbered from field 3 (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu_ticks += int(fields[14 - 3]) + int(fields[15 - 3])  # utime, stime
        pages += int(fields[24 - 3])  # rss
    return Cost(cpu_s=cpu_ticks / TICKS_PER_S, resident_mib=pages * page_mib)
