"""Processes that a measurement runs: started, awaited, ended, and what they cost (proc(5))."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
CORES = sorted(os.sched_getaffinity(0))


class BenchError(RuntimeError):
    """A part did not start, or did not answer as the measurement needs."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What processes have used so far (CPU) and hold now (memory)."""

    cpu_s: float = 0.0
    resident_mib: float = 0.0


@contextmanager
def running(
    command: Sequence[str],
    *,
    cores: Sequence[int] = (),
    out: IO[bytes] | None = None,
    log: IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
) -> Generator[subprocess.Popen[bytes]]:
    """A process until left; on `cores` only, where named. Without `out` its standard output is a pipe."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=out or subprocess.PIPE, stderr=log, env=env and {**os.environ, **env}
    ) as process:
        if cores:
            pin(process.pid, cores)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def serving(
    command: Sequence[str], port: int, log_file: Path, *, env: Mapping[str, str] | None = None
) -> Generator[subprocess.Popen[bytes]]:
    """The same with all that it says in a file, and listening on `port` before it is yielded."""
    with log_file.open("wb") as log, running(command, out=log, log=log, env=env) as process:
        await_port(process, port, log_file)
        yield process


def free_port() -> int:
    """A TCP port of the loopback address that nobody listens on."""
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return each.getsockname()[1]


def await_port(process: subprocess.Popen[bytes], port: int, log_file: Path | None = None) -> None:
    """Returns when the port takes connections; raises BenchError where it never does."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log_file.read_text(errors="replace")[-3000:] if log_file else ""
                raise BenchError(f"{process.args} did not start\n{said}") from error
            time.sleep(0.02)
        else:
            return


def pin(pid: int, cores: Sequence[int]) -> None:
    """All threads of a process to these cores. Affinity belongs to a thread; threads made later inherit it."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), cores)


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        children += [int(child) for child in (task / "children").read_text().split()]
    return [pid, *(descendant for child in children for descendant in tree(child))]


def name_of(pid: int) -> str:
    """As the kernel shows it."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def cost(pids: Iterable[int]) -> Cost:
    """Of these processes together."""
    cpu_ticks = pages = 0
    for pid in pids:
        # The name, in parentheses, may hold spaces; what follows it is numbered from field 3 (proc(5)).
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu_ticks += int(fields[14 - 3]) + int(fields[15 - 3])  # utime, stime
        pages += int(fields[24 - 3])  # rss
    return Cost(cpu_s=cpu_ticks / TICKS_PER_S, resident_mib=pages * PAGE_MIB)


def cost_by_name(pids: Iterable[int]) -> dict[str, Cost]:
    """The same by the processes' names."""
    named: dict[str, list[int]] = {}
    for pid in pids:
        named.setdefault(name_of(pid), []).append(pid)
    return {name: cost(group) for name, group in sorted(named.items())}


def bench_cpu_s() -> float:
    """What this program and all that it started have used, what has ended included."""
    ended = os.times()
    return cost(tree(os.getpid())).cpu_s + ended.children_user + ended.children_system
