"""The demo as a user runs it, and what is left of it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SIDECAR = [sys.executable, "-m", "sidecar"]
TIMEOUT_S = 120


@dataclass(frozen=True, slots=True)
class FinishedDemo:
    """Its folder, which tests may add files to, and what it printed with `--json`."""

    root: Path
    engine: str
    printed: dict[str, Any]


def sidecar_command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """`sidecar …` to its end."""
    command = [*SIDECAR, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def processes_of(root: Path) -> list[str]:
    """The command lines of all processes that name this demo's folder."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(root) in command:
            found.append(command)
    return found
