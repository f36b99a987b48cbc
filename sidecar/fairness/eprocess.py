"""The test that may act: whether groups' positive rates were further apart than a limit, at some time of an epoch.

A wealth that starts at 1 is staked, block after block, on the limit having been exceeded. Where it has not been, no
way of staking can be expected to gain, so the wealth ever reaches 1/alpha with a probability of at most alpha
(Ville's inequality), however often it is looked at. What is staked is decided by earlier blocks alone; why a bet is
fair for any number of groups is told in `betting`. The choices below only matter for how soon it is certain, and were
made by simulation (bench/README.md): bets are made while recent predictions make them worth it, and on what these say.
"""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING, Any

from sidecar.fairness.betting import log_growth
from sidecar.fairness.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.fairness.recent import Suspects

Block = dict[str, tuple[int, int]]
"""By group: how many predictions, and how many of them positive."""

BLOCK_LEAST = 40
BLOCK_GROWTH = 0.01
BLOCK_PATIENCE = 4
"""So many times its size a block may grow while a group that was seen before is missing."""

ALTERNATIVES = ((1.1, 0.1), (1.25, 0.7), (1.8, 0.2))
"""How many times the limit the ratio is supposed to be, and the share of the stake on it."""
STAKED = 0.9
"""The share of the wealth that is staked from the beginning. The rest is the reserve, for a change later on."""
RESERVE_SPENT = 0.01
"""The share of the reserve that joins the stakes with each block."""
WORTHWHILE = 0.9
"""Of the limit: nothing is staked while the recent ratio is below."""
WEALTH_LIMIT, LOG_GROWTH_LIMIT = 1e100, 500.0
"""More is not counted: to have less than one has won is always fair, and nothing overflows."""
WARNING_ALPHA = 0.05


class BlockBuilder:
    """Gathers counts until they make a block: at least 40 predictions and 1 % of all before, of two groups or more.

    It closes by the groups of the predictions only, never by their outcomes, else bets on it would not be fair.
    """

    def __init__(self, groups: Sequence[str], growth: float = BLOCK_GROWTH) -> None:
        self._groups = tuple(groups)
        self._growth = growth
        self._open: Block = {}
        self._size = 0  # of the open block
        self._before = 0  # predictions in closed ones
        self._seen: set[str] = set()  # in closed ones

    def add(self, counts: Mapping[str, tuple[int, int]]) -> Block | None:
        """Counts these; the block, where they complete one. Groups other than those declared are left out."""
        for group, (n, positive) in counts.items():
            if n and group in self._groups:
                before = self._open.get(group, (0, 0))
                self._open[group] = (before[0] + n, before[1] + positive)
                self._size += n
        return self._close() if self._is_complete() else None

    def _is_complete(self) -> bool:
        enough = max(BLOCK_LEAST, self._growth * self._before)
        if self._size < enough or len(self._open) < 2:
            return False
        return self._seen <= self._open.keys() or self._size >= BLOCK_PATIENCE * enough

    def _close(self) -> Block:
        block = {group: self._open[group] for group in self._groups if group in self._open}
        self._before += self._size
        self._seen |= block.keys()
        self._open, self._size = {}, 0
        return block

    def state(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        opened = {group: list(counts) for group, counts in self._open.items()}
        return {
            "groups": list(self._groups),
            "growth": self._growth,
            "open": opened,
            "before": self._before,
            "seen": sorted(self._seen),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> BlockBuilder:
        """The builder that `state()` wrote."""
        builder = cls(state["groups"], state["growth"])
        builder._open = {group: (n, positive) for group, (n, positive) in state["open"].items()}
        builder._size = sum(n for n, _ in builder._open.values())
        builder._before, builder._seen = state["before"], set(state["seen"])
        return builder


class Stakes:
    """The wealth against one limit: what is staked on each alternative, and the reserve.

    `peak` is the most it ever was.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.peak = 1.0
        self._reserve = 1 - STAKED
        self._stakes = [STAKED * share for _, share in ALTERNATIVES]

    @property
    def wealth(self) -> float:
        """What it is now: 1 at the beginning."""
        return self._reserve + sum(self._stakes)

    def bet(self, block: Mapping[str, tuple[int, int]], recent: Recent, suspects: Suspects | None) -> bool:
        """Bets on one block, by what is known from earlier ones; True where the wealth was never as much."""
        spent = self._reserve * RESERVE_SPENT
        self._reserve -= spent
        self._stakes = [stake + spent * share for stake, (_, share) in zip(self._stakes, ALTERNATIVES, strict=True)]
        if suspects is None or suspects.ratio < WORTHWHILE * self.limit:
            return False
        self._stakes = [
            min(stake * self._growth(block, recent, suspects, multiple), WEALTH_LIMIT)
            for stake, (multiple, _) in zip(self._stakes, ALTERNATIVES, strict=True)
        ]
        is_peak = self.wealth > self.peak
        self.peak = max(self.peak, self.wealth)
        return is_peak

    def _growth(
        self, block: Mapping[str, tuple[int, int]], recent: Recent, suspects: Suspects, multiple: float
    ) -> float:
        rates = recent.rates(suspects, multiple * self.limit)
        return exp(min(log_growth(block, rates, self.limit), LOG_GROWTH_LIMIT))

    def state(self) -> list[float]:
        """All of it but the limit, JSON-able."""
        return [self.peak, self._reserve, *self._stakes]

    @classmethod
    def from_state(cls, limit: float, state: Sequence[float]) -> Stakes:
        """The stakes that `state()` wrote."""
        stakes = cls(limit)
        stakes.peak, stakes._reserve, *stakes._stakes = state
        return stakes


class ImpactTest:
    """Whether the highest positive rate was more than `limit` (at least 1) times the lowest, since this test began."""

    def __init__(self, groups: Sequence[str], limit: float) -> None:
        self.groups = tuple(groups)
        self.limit = limit
        self.favoured: str | None = None
        """The two groups bet on when the wealth was at its peak."""
        self.disfavoured: str | None = None
        self._recent = Recent()
        self._stakes = Stakes(limit)

    @property
    def wealth(self) -> float:
        """What it is now: 1 at the beginning."""
        return self._stakes.wealth

    @property
    def peak(self) -> float:
        """The most it ever was."""
        return self._stakes.peak

    def certain(self, alpha: float) -> bool:
        """Whether the limit was exceeded: wrong with a probability of at most `alpha`. Once true, always true."""
        return self.peak * alpha >= 1

    def warned(self, alpha: float = WARNING_ALPHA) -> bool:
        """The same at a level that is for telling people, not for acting."""
        return self.certain(alpha)

    def fold(self, block: Mapping[str, tuple[int, int]]) -> None:
        """Bets on one block, and then learns from it."""
        suspects = self._recent.suspects()
        if self._stakes.bet(block, self._recent, suspects) and suspects is not None:
            self.favoured, self.disfavoured = suspects.high, suspects.low
        self._recent.learn(block)

    def state(self) -> dict[str, Any]:
        """All of it, JSON-able."""
        return {
            "groups": list(self.groups),
            "limit": self.limit,
            "favoured": self.favoured,
            "disfavoured": self.disfavoured,
            "recent": self._recent.state(),
            "stakes": self._stakes.state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> ImpactTest:
        """The test that `state()` wrote."""
        test = cls(state["groups"], state["limit"])
        test.favoured, test.disfavoured = state["favoured"], state["disfavoured"]
        test._recent = Recent.from_state(state["recent"])
        test._stakes = Stakes.from_state(test.limit, state["stakes"])
        return test
