from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.policy.logs import LINE_LIMIT, QuietLog
from tests.support import FixedClock

if TYPE_CHECKING:
    import pytest


def test_one_bounded_line_a_second_and_the_rest_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock = FixedClock()
    log = QuietLog(clock)
    for _ in range(3):
        log.failure("it failed", "x\ny" + "z" * 500)
    clock.advance(1.0)
    log.failure("it failed", "again")
    assert caplog.messages == [
        f"it failed: {('x y' + 'z' * 500)[:LINE_LIMIT]} (and 0 more like it)",
        "it failed: again (and 2 more like it)",
    ]
