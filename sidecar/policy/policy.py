"""The policy as the exchange sees it: facts at one revision, and decisions, whatever engine gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.model.refusal import Refused, refused
from sidecar.policy.cache import CacheStats, DecisionCache
from sidecar.policy.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.model.decision import Decision
    from sidecar.model.facts import Facts
    from sidecar.model.question import Question
    from sidecar.policy.bundle_watch import BundleStatus
    from sidecar.policy.generation import Generation, Source


@dataclass(frozen=True, slots=True)
class PolicyStatus:
    """What `/status` shows of the policy. `last_error` is empty when the latest look went well."""

    engine: str
    revision: str | None
    activated_unix_s: float | None
    age_s: float | None
    guards: Mapping[str, tuple[str, ...]]
    absent_guards: tuple[str, ...]
    last_error: tuple[str, ...]
    restarts: int
    cache: CacheStats


class Policy:
    """One per process. Every failure is a `Refused` with a `policy_*` reason; a denial is a `Decision`."""

    def __init__(self, source: Source, *, mode: str, max_age_s: float | None) -> None:
        """`mode` goes into the cache's key; `max_age_s` None: no limit."""
        self._source = source
        self._max_age_s = max_age_s
        self._cache = DecisionCache(mode)

    @property
    def kind(self) -> str:
        """`opa` or `embedded`, as the audit record says it."""
        return self._source.kind

    @property
    def facts(self) -> Facts | None:
        """The present facts, however old; None before the first activation."""
        generation = self._source.generation
        return None if generation is None else generation.facts

    @property
    def revision(self) -> str:
        """The present revision; empty before the first activation."""
        facts = self.facts
        return "" if facts is None else facts.revision

    def snapshot(self) -> Facts:
        """The facts at one revision; raises `Refused`: `policy_unavailable`, `policy_rolled_back`, `policy_too_old`."""
        return self._generation().facts

    async def decide(self, question: Question, *, cacheable: bool) -> Decision:
        """The decision for one input; `cacheable` in the request phase only. Raises `Refused`."""
        generation = self._generation()
        revision = generation.facts.revision
        cacheable = cacheable and self._source.steady
        if cacheable and (known := self._cache.get(revision, question)) is not None:
            return known
        answer = await generation.engine.decide(question.json)
        decision = verdict(answer)
        if cacheable and decision.ttl_s > 0:
            self._cache.put(question, decision)
        return decision

    async def refresh(self) -> None:
        """After a decision under another revision than the snapshot's: returns when that was looked into."""
        await self._source.refresh()

    def status(self) -> PolicyStatus:
        """A snapshot for people."""
        source, generation, facts = self._source, self._source.generation, self.facts
        return PolicyStatus(
            engine=source.kind,
            revision=self.revision or None,
            activated_unix_s=generation.activated_unix_s if generation else None,
            age_s=source.age_s(),
            guards=facts.guards if facts else {},
            absent_guards=facts.absent_guards if facts else (),
            last_error=source.problems,
            restarts=source.restarts,
            cache=self._cache.stats(),
        )

    @property
    def bundles(self) -> tuple[BundleStatus, ...]:
        """Of a remote engine, by name; of a directory there are none."""
        return self._source.bundles

    async def start(self) -> None:
        """The first activation; raises `PolicyProblems` with all that is wrong."""
        await self._source.start()

    async def aclose(self) -> None:
        """Stops watching, and closes the engine when its last answers are out."""
        await self._source.aclose()

    def _generation(self) -> Generation:
        generation, obstacle = self._source.generation, self._source.obstacle
        if obstacle is not None:
            raise Refused(obstacle)
        if generation is None:
            raise refused("policy_unavailable", "no policy has been activated yet")
        if self._max_age_s is not None:
            age_s = self._source.age_s()
            if age_s is not None and age_s > self._max_age_s:
                raise refused("policy_too_old", "the policy was not confirmed within --policy-max-age")
        return generation
