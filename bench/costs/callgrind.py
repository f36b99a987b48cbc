"""Callgrind's output, and a running process under it."""

from __future__ import annotations

import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bench.processes import BenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

DUMP_TIMEOUT_S = 30.0
_OBJECT = re.compile(r"ob=\((\d+)\)(?: (.*))?")
_NAMED = re.compile(r"cob=\((\d+)\) (.*)")
_COST = re.compile(r"(?:\+|-|\*)?\d* ?(\d+)")


def launcher(out: Path, python: str) -> list[str]:
    """Stands for `sidecar`: nothing is counted before `control(pid, "-i", "on")`."""
    tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    return [*tool, python, "-m", "sidecar"]


def control(pid: int, *words: str) -> None:
    """Raises BenchError where the process does not obey."""
    done = subprocess.run(["callgrind_control", *words, str(pid)], capture_output=True, text=True, check=False)
    if done.returncode or "OK." not in done.stdout:
        raise BenchError(f"callgrind_control {' '.join(words)}: {done.stdout}{done.stderr}")


def dumped(pid: int, out: Path, number: int) -> Counter[str]:
    """What was executed since the last dump, by object. `number` counts the dumps from 1."""
    control(pid, "-d", "bench")
    file = Path(f"{out}.{number}")
    deadline_s = time.monotonic() + DUMP_TIMEOUT_S
    while not (file.exists() and "\ntotals:" in file.read_text(errors="replace")):
        if time.monotonic() > deadline_s:
            raise BenchError("callgrind wrote no counts")
        time.sleep(0.1)
    return by_object(file.read_text(errors="replace").splitlines())


def by_object(lines: Iterable[str]) -> Counter[str]:
    """Instructions that each program and library executed itself (Callgrind Format Specification).

    Names are given once and then by number, also where an object is first met as that of a callee (`cob=`). The cost
    line after `calls=` is the callee's.
    """
    names: dict[str, str] = {}
    counted: Counter[str] = Counter()
    current, is_callees = "", False
    for line in lines:
        if found := _OBJECT.fullmatch(line):
            number, name = found.groups()
            current = names.setdefault(number, Path(name).name if name else number)
        elif found := _NAMED.fullmatch(line):
            names.setdefault(found[1], Path(found[2]).name)
        elif line.startswith("calls="):
            is_callees = True
        elif found := _COST.fullmatch(line):
            if not is_callees:
                counted[current] += int(found[1])
            is_callees = False
    return counted
