"""What one replica has to say to the test of an epoch: counts by second, and all of them together.

They are absolute and only grow, so that they can be told any number of times: whoever has taken some of them before
takes the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Counts = dict[str, list[int]]
"""By group: how many predictions, how many of them positive."""


def add(counts: Counts, more: Mapping[str, list[int]], sign: int = 1) -> None:
    """Adds `more` to `counts`, or takes it away."""
    for group, (n, positive) in more.items():
        mine = counts.get(group)
        if mine is None:
            counts[group] = [sign * n, sign * positive]
        else:
            mine[0] += sign * n
            mine[1] += sign * positive


def copied(counts: Mapping[str, list[int]]) -> Counts:
    """The same, with lists of its own."""
    return {group: [*pair] for group, pair in counts.items()}


class Ticks:
    """A replica's own counts within one epoch."""

    __slots__ = ("seconds", "totals")

    def __init__(self) -> None:
        self.totals: Counts = {}
        self.seconds: dict[int, Counts] = {}
        """The last of them; older ones are only in `totals`."""

    def add(self, second: int, group: str, positive: bool) -> None:
        """Counts one prediction."""
        tick = self.seconds.get(second)
        if tick is None:
            tick = self.seconds[second] = {}
        for counts in (self.totals, tick):
            pair = counts.get(group)
            if pair is None:
                pair = counts[group] = [0, 0]
            pair[0] += 1
            pair[1] += positive

    def forget(self, before: int) -> None:
        """Drops seconds before that one."""
        for second in [second for second in self.seconds if second < before]:
            del self.seconds[second]
