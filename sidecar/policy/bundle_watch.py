"""What a remote engine's bundles are watched for: that none is rolled back, and how old each is."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.model.facts import BundleFacts
from sidecar.policy.age import BundleAges
from sidecar.policy.bundle_memory import Remembered, decode, encode
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.sequences import RolledBack, Sequences

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sidecar.model.clock import Clock
    from sidecar.policy.bundle_memory import Memory

SAVE_S = 60.0
"""How long a confirmation may wait for its place in memory: as much older a bundle may look after a restart."""

_log = logging.getLogger("sidecar.policy")


@dataclass(frozen=True, slots=True)
class BundleStatus:
    """One bundle as the engine has it. `age_s` None: it has none; `problem`: why its successor is not active."""

    name: str
    facts: BundleFacts
    highest_sequence: int | None
    age_s: float | None
    problem: str | None
    rolled_back: bool


class BundlesRolledBack(PolicyProblems):
    """The engine has older bundles than it had; `bundles` says which."""

    def __init__(self, bundles: tuple[RolledBack, ...]) -> None:
        super().__init__([str(bundle) for bundle in bundles])
        self.bundles = bundles


class BundleWatch:
    """One per engine. `memory` None: what is known ends with the process."""

    def __init__(self, clock: Clock, memory: Memory | None = None) -> None:
        self._clock = clock
        self._memory = memory
        self._sequences = Sequences()
        self._durable = self._sequences.highest
        self._saving = asyncio.Lock()
        self._ages = BundleAges()
        self._bundles: Mapping[str, BundleFacts] = {}
        self._rolled_back: tuple[RolledBack, ...] = ()
        self._unsaved: tuple[str, ...] = ()
        self._save_at_s = float("-inf")

    @property
    def rolled_back(self) -> tuple[RolledBack, ...]:
        """Those that stand in the way of the present policy."""
        return self._rolled_back

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong though decisions go on."""
        told = [f"bundle {name}: {problem}" for name, problem in sorted(self._ages.problems.items())]
        return (*told, *self._unsaved)

    async def open(self) -> None:
        """Recalls what was known; raises `PolicyProblems` where it cannot be read."""
        if self._memory is None:
            return
        try:
            content = await asyncio.to_thread(self._memory.read)
            known = Remembered() if content is None else decode(content)
        except (OSError, ValueError) as error:
            raise PolicyProblems(
                [
                    f"what was known of bundles cannot be read: {error}; "
                    "restore the file, or delete it to take whatever bundles there are for the newest"
                ]
            ) from None
        self._sequences, self._ages = Sequences(known.sequences), BundleAges(known.confirmed)
        self._durable = self._sequences.highest

    async def admit(self, active: Collection[str], bundles: Mapping[str, BundleFacts]) -> None:
        """Before a policy of these bundles may decide: its sequences are durable when this returns.

        `active`: the names of all bundles that the engine has. Raises `BundlesRolledBack`, or `PolicyProblems` where
        the sequences cannot be kept.
        """
        self._bundles = bundles
        self._rolled_back = self._sequences.rolled_back({*active, *bundles}, bundles)
        if self._rolled_back:
            raise BundlesRolledBack(self._rolled_back)
        self._sequences = self._sequences.raised_by(bundles)
        if self._sequences.highest != self._durable:
            try:
                await self._save()
            except OSError as error:
                raise PolicyProblems([f"the bundles' sequences cannot be kept: {error}"]) from None

    def older(self, bundles: Mapping[str, BundleFacts]) -> tuple[RolledBack, ...]:
        """Those of some bundles, not active yet, that may not become so: they are older than what was."""
        return self._sequences.rolled_back(bundles, bundles)

    async def observe(self, status: object) -> None:
        """Takes in OPA's status; raises `PolicyProblems` where it is none."""
        before = {name: known.revision for name, known in self._ages.known.items()}
        self._ages.observe(status, self._bundles, self._clock.unix_s())
        changed = before != {name: known.revision for name, known in self._ages.known.items()}
        if changed or self._clock.monotonic_s() >= self._save_at_s:
            await self._try_save()

    def age_s(self) -> float | None:
        """Of the oldest bundle; None where none has an age."""
        return self._ages.age_s(self._clock.unix_s())

    def statuses(self) -> tuple[BundleStatus, ...]:
        """Of all bundles that the engine has or tells of, by name."""
        ages_s = self._ages.ages_s(self._clock.unix_s())
        older = {bundle.bundle for bundle in self._rolled_back}
        return tuple(
            BundleStatus(
                name,
                self._bundles.get(name, BundleFacts()),
                self._sequences.highest.get(name),
                ages_s.get(name),
                self._ages.problems.get(name),
                name in older,
            )
            for name in sorted({*self._bundles, *ages_s, *older})
        )

    async def _try_save(self) -> None:
        """That it fails costs nothing but an older look after a restart."""
        try:
            await self._save()
        except OSError as error:
            self._unsaved = (f"the bundles' age cannot be kept: {error}",)
            _log.warning("the bundles' age cannot be kept: %s", error)

    async def _save(self) -> None:
        """One at a time: an older content must not come to lie over a newer one."""
        async with self._saving:
            self._save_at_s = self._clock.monotonic_s() + SAVE_S
            highest = self._sequences.highest
            if self._memory is not None:
                content = encode(Remembered(highest, self._ages.known))
                await asyncio.to_thread(self._memory.replace, content)
            self._durable = highest
            self._unsaved = ()
