from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.segments import Damaged
from sidecar.ship import loop
from sidecar.ship.destination import Unavailable
from sidecar.ship.loop import LAST_PAUSE_S, POLL_S, RETRY_AFTER_LIMIT_S, Pauses, pause_after, ship

if TYPE_CHECKING:
    from collections.abc import Sequence


def longest(low: float, high: float) -> float:
    """Draws the longest pause."""
    del low
    return high


class Scripted:
    """Does what it is told, round after round; then stops the loop."""

    name = "scripted"

    def __init__(self, steps: Sequence[bool | Exception], last: Sequence[bool | Exception] = (False,)) -> None:
        self._steps = list(steps)
        self._last = list(last)
        self.stop = threading.Event()
        self.rounds: list[bool] = []

    def round(self, *, is_last: bool) -> bool:
        self.rounds.append(is_last)
        steps = self._last if is_last else self._steps
        step = steps.pop(0)
        if not self._steps:
            self.stop.set()
        if isinstance(step, Exception):
            raise step
        return step


def test_pauses_double_up_to_a_limit_and_begin_again_after_a_success() -> None:
    pauses = Pauses(longest)
    assert [pauses.failed(0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, LAST_PAUSE_S, LAST_PAUSE_S]
    assert pauses.succeeded()
    assert not pauses.succeeded()
    assert pauses.failed(0) == 0.5


def test_a_pause_is_drawn_from_its_upper_half() -> None:
    pauses = Pauses(lambda low, high: low + (high - low) / 4)
    assert [pauses.failed(0), pauses.failed(0)] == [0.3125, 0.625]


def test_retry_after_is_honoured_within_reason() -> None:
    assert Pauses(longest).failed(7.0) == 7.0
    assert Pauses(longest).failed(1e9) == RETRY_AFTER_LIMIT_S


@pytest.mark.parametrize(
    ("step", "pause_s"),
    [
        (True, 0.0),
        (False, POLL_S),
        (Unavailable("away", 9.0), 9.0),
        (Damaged(Path("x.seg"), 80, 0, "CRC"), 0.5),
        (OSError("disk"), 0.5),
    ],
)
def test_what_a_round_is_followed_by(step: bool | Exception, pause_s: float) -> None:
    assert pause_after(Scripted([step]), Pauses(longest)) == pause_s


def test_trouble_and_its_end_are_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    it, pauses = Scripted([Unavailable("away"), False]), Pauses(longest)
    pause_after(it, pauses)
    pause_after(it, pauses)
    assert caplog.messages == [
        "scripted: nothing is lost, but not shipped; again in 0.5 s: away",
        "scripted: shipping goes on",
    ]


def test_it_ships_until_told_to_stop_and_then_what_is_still_due() -> None:
    it = Scripted([True, True, True], last=[True, True, False])
    ship(it, it.stop, Pauses(longest), 60.0)
    assert it.rounds == [False, False, False, True, True, True]


def test_the_last_rounds_have_an_end_which_is_told(caplog: pytest.LogCaptureFixture) -> None:
    for step, why in ((True, "it is too much"), (Unavailable("away"), "away")):
        it = Scripted([True], last=[step] * 9)
        ship(it, it.stop, Pauses(longest), 0.0)
        assert it.rounds == [False, True]
        assert caplog.messages[-1] == f"scripted: not all was shipped before the end; the next start goes on: {why}"


def test_what_fails_at_the_end_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """There may be no next start: the disk of a pod can end with it."""
    monkeypatch.setattr(loop, "LAST_ROUND_PAUSE_S", 0.001)
    it = Scripted([True], last=[Unavailable("away"), OSError("disk"), True, False])
    ship(it, it.stop, Pauses(longest), 60.0)
    assert (it.rounds, caplog.messages) == ([False, True, True, True, True], [])


def test_a_pause_ends_when_it_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise this test would take half a minute."""
    monkeypatch.setattr(loop, "FIRST_PAUSE_S", 30.0)
    it = Scripted([Unavailable("away")])
    ship(it, it.stop, Pauses(longest), 60.0)
    assert it.rounds == [False, True]


def test_a_defect_is_not_hidden() -> None:
    it = Scripted([KeyError("x")])
    with pytest.raises(KeyError):
        ship(it, it.stop, Pauses(longest), 60.0)
