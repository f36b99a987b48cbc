from __future__ import annotations

import time

from sidecar.model.clock import Clock, SystemClock


def test_the_system_clock_is_the_machines() -> None:
    clock: Clock = SystemClock()
    before, between, after = time.time(), clock.unix_s(), time.time()
    assert before <= between <= after
    earlier, at, later = time.time_ns(), clock.unix_ns(), time.time_ns()
    assert earlier <= at <= later
    first, second, third = time.monotonic(), clock.monotonic_s(), time.monotonic()
    assert first <= second <= third
