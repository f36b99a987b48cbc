"""`python -m sidecar.app.workers`: a worker. Its supervisor starts it, `sidecar run --workers N`, and nobody else."""

from __future__ import annotations

import asyncio
import sys

import uvloop

from sidecar.app.memory import map_large_blocks
from sidecar.app.workers.worker import work


def main() -> int:
    """The exit code."""
    map_large_blocks()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work())


if __name__ == "__main__":
    sys.exit(main())
