"""A lower bound of the ratio of positive rates that holds at all times of an epoch at once.

One wealth for each limit on a grid, from 1.00 to 2.50. A limit is rejected when its wealth has reached 1/alpha and all
lower limits have been rejected. So for the bound to be too high, the lowest limit that is none too low has to be
rejected: one test, one alpha. It is shown beside the test that acts; nothing acts on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sidecar.fairness.eprocess import BlockBuilder, Stakes
from sidecar.fairness.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIMITS = tuple(round(1 + 0.05 * step, 2) for step in range(31))
BLOCK_GROWTH = 0.1
"""Blocks as large as a tenth of all before: 31 tests cost little then, and are a little later."""


class LowerBound:
    """What the ratio exceeded at some time of the epoch. `lower` is the bound, None while there is none."""

    def __init__(self, groups: Sequence[str], alpha: float) -> None:
        self.alpha = alpha
        self.lower: float | None = None
        self._builder = BlockBuilder(groups, BLOCK_GROWTH)
        self._recent = Recent()
        self._standing = [Stakes(limit) for limit in LIMITS]

    def fold(self, block: Mapping[str, tuple[int, int]]) -> None:
        """Takes the test's own blocks, several of which make one here."""
        larger = self._builder.add(block)
        if larger is None:
            return
        suspects = self._recent.suspects()
        for stakes in self._standing:
            stakes.bet(larger, self._recent, suspects)
        self._recent.learn(larger)
        while self._standing and self._standing[0].peak * self.alpha >= 1:
            self.lower = self._standing.pop(0).limit

    def state(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "alpha": self.alpha,
            "builder": self._builder.state(),
            "recent": self._recent.state(),
            "standing": [stakes.state() for stakes in self._standing],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LowerBound:
        """The bound that `state()` wrote."""
        bound = cls((), state["alpha"])
        bound._builder = BlockBuilder.from_state(state["builder"])
        bound._recent = Recent.from_state(state["recent"])
        rejected = len(LIMITS) - len(state["standing"])
        standing = zip(LIMITS[rejected:], state["standing"], strict=True)
        bound._standing = [Stakes.from_state(limit, one) for limit, one in standing]
        bound.lower = LIMITS[rejected - 1] if rejected else None
        return bound
