"""On what a figure was measured."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PROBES = 200
PROBE_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class Machine:
    """`durable_write_us`: the median time of one durable write of 4 KiB to where the logs are."""

    processor: str
    cores: int
    kernel: str
    python: str
    file_system: str
    durable_write_us: float
    load: float  # of the last minute, before

    def sentence(self) -> str:
        """For people."""
        return (
            f"{self.cores} cores ({self.processor}), Linux {self.kernel}, Python {self.python}; logs on "
            f"{self.file_system}, where a durable write of 4 KiB takes {self.durable_write_us:.0f} µs;"
        )


def describe(folder: Path) -> Machine:
    """This machine; `folder` is where the logs are."""
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        kernel=platform.release(),
        python=platform.python_version(),
        file_system=_file_system(folder),
        durable_write_us=round(_durable_write_us(folder), 1),
        load=os.getloadavg()[0],
    )


def busy_s() -> float:
    """CPU seconds that the machine has used so far, of all its cores: all but idle and waiting (proc(5))."""
    user, nice, system, _, _, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(": ")[2].strip()
    return platform.machine()


def _file_system(folder: Path) -> str:
    """The type of the file system that holds a folder: that of the longest mount point above it (proc(5))."""
    whole = folder.resolve()
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    above = [(point, kind) for _, point, kind, *_ in mounts if whole.is_relative_to(point)]
    return max(above, key=lambda each: len(each[0]))[1] if above else "unknown"


def _durable_write_us(folder: Path) -> float:
    path = folder / "probe"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(fd, 0, PROBES * PROBE_BYTES)
        os.fsync(fd)
        return median(_timed_write_us(fd, number * PROBE_BYTES) for number in range(PROBES))
    finally:
        os.close(fd)
        path.unlink()


def _timed_write_us(fd: int, offset: int) -> float:
    started_ns = time.monotonic_ns()
    os.pwritev(fd, [b"\1" * PROBE_BYTES], offset, os.RWF_DSYNC)
    return (time.monotonic_ns() - started_ns) / 1e3
