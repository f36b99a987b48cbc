"""What a long test does, for people who watch: a line for each step, with its time. Shown by `pytest --capture=no`."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def step(what: str) -> Generator[None]:
    """Says what was done in the block, and how long it took."""
    started_s = time.monotonic()
    yield
    print(f"{time.monotonic() - started_s:7.1f} s  {what}", flush=True)
