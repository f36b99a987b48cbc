"""Figures from commit to commit, a line of JSON each, and what got dearer since."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

DEARER = 1.03
"""Instructions vary by some 1 % from run to run, as background work falls into it. Times vary more: not judged."""


def entry(costs: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """A line of the history."""
    return {"unix_s": int(time.time()), "commit": _commit(root), **costs}


def last(file: Path) -> dict[str, Any] | None:
    """The newest line, if there is one."""
    lines = file.read_text().splitlines() if file.exists() else []
    return json.loads(lines[-1]) if lines else None


def append(file: Path, line: Mapping[str, Any]) -> None:
    """Goes to the end."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a") as lines:
        lines.write(json.dumps(line) + "\n")


def dearer(now: Mapping[str, Any], before: Mapping[str, Any]) -> Iterator[str]:
    """Series whose exchange takes more instructions than it did."""
    for series, counts in now.get("instructions", {}).items():
        earlier = before.get("instructions", {}).get(series)
        if earlier and counts["total"] > earlier["total"] * DEARER:
            share = counts["total"] / earlier["total"] - 1
            yield f"{series}: {counts['total']:,} instructions an exchange, {share:.0%} more than at {before['commit']}"


def _commit(root: Path) -> str:
    told = subprocess.run(
        ["git", "-C", str(root), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"
