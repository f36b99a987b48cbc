"""Bundles that are good each for itself → one engine that decides in place of the former one."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import orjson

from sidecar.model.facts import BundleFacts
from sidecar.policy.bundle_watch import BundlesRolledBack
from sidecar.policy.bundled.layers import Layer, Layers
from sidecar.policy.bundled.opening import overlaps
from sidecar.policy.generation import activate
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sidecar.model.clock import Clock
    from sidecar.policy.binding import Regorus
    from sidecar.policy.bundle_watch import BundleWatch
    from sidecar.policy.bundled.disk import Disk
    from sidecar.policy.bundled.opening import Opened
    from sidecar.policy.bundled.state import BundleState
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.generation import Generation
    from sidecar.policy.port import Engine

    EngineOf = Callable[[Regorus, str], Engine]
    """Compiled modules and data, and their revision → an engine."""

_log = logging.getLogger("sidecar.policy")


class Activating:
    """Makes generations, one at a time. The former one decides until the new one has given a real decision in each
    phase, and its sequences are durable.
    """

    def __init__(
        self, engine_of: EngineOf, clock: Clock, watch: BundleWatch, disk: Disk | None, events: PolicyEvents
    ) -> None:
        self._engine_of = engine_of
        self._clock = clock
        self._watch = watch
        self._disk = disk
        self._events = events
        self._layers = Layers()
        self._former: Generation | None = None
        self.generation: Generation | None = None

    async def activate(self, states: Mapping[str, BundleState], names: Sequence[str]) -> None:
        """With the candidates of these names, and of the others what is active. Raises `PolicyProblems`.

        What follows at once sees the new generation and its states together; `let_go` is to follow.
        """
        whole = dict(_whole(states, names))
        facts = {name: facts_of(opened) for name, opened in whole.items()}
        if older := self._watch.older(facts):  # before anything newer on the disk is replaced
            raise BundlesRolledBack(older)
        problems = list(overlaps(whole.values()))
        if problems:
            raise PolicyProblems(problems)
        engine = self._engine_of(await self._regorus(whole), _revision(whole))
        try:
            generation = await activate(engine, self._clock)
            for name in names:
                await self.keep(states[name])
            await self._watch.admit(facts, facts)
        except BaseException:
            await engine.aclose()
            raise
        for name in names:
            self._note(states[name], whole[name])
        self._replace(generation)

    async def let_go(self) -> None:
        """Closes the former engine, which has answered all that it was asked."""
        former, self._former = self._former, None
        if former is not None:
            await former.engine.aclose()
            await self._layers.let_go()

    async def keep(self, state: BundleState) -> None:
        """On the disk, before it decides. Where that fails it decides all the same: a full disk must hold up no
        revocation. It is told, tried again, and the bundle looks older meanwhile.
        """
        archive = state.unkept_archive if state.candidate is None else state.candidate.archive
        if self._disk is None or not state.spec.persist or archive is None or state.newest is None:
            return
        sequence = state.newest.manifest.sequence
        try:
            await asyncio.to_thread(self._disk.keep, state.spec.name, sequence, archive)
        except OSError as error:
            state.unkept, state.unkept_archive = f"it cannot be kept on the disk: {error}", archive
            _log.error("bundle %s: %s", state.spec.name, state.unkept)
        else:
            state.unkept, state.unkept_archive = "", None

    async def _regorus(self, whole: Mapping[str, Opened]) -> Regorus:
        """Bulky data below: what is published often is small."""
        modules = {f"{one.name}/{path}": text for one in whole.values() for path, text in one.modules.items()}
        data = sorted(whole.values(), key=lambda one: (-len(one.data), -sum(map(len, one.data)), one.name))
        layers = [Layer(one.digest, one.data) for one in data if one.data]
        return await self._layers.engine(modules, layers, _manifests(whole))

    def _replace(self, generation: Generation) -> None:
        self._former, self.generation = self.generation, generation
        facts = generation.facts
        self._events.activated(facts.revision)
        _log.info("policy %s is active in the embedded engine", facts.revision)
        if facts.absent_guards:
            _log.error("shipped guards are absent, so requests are refused: %s", ", ".join(facts.absent_guards))

    def _note(self, state: BundleState, opened: Opened) -> None:
        state.active, state.candidate, state.refused = opened, None, ""
        state.activated_unix_s = self._clock.unix_s()


def facts_of(opened: Opened) -> BundleFacts:
    """What a bundle's manifest says."""
    manifest = opened.manifest
    return BundleFacts(manifest.revision, manifest.roots, manifest.sequence, manifest.created_unix_s)


def _whole(states: Mapping[str, BundleState], names: Sequence[str]) -> Iterator[tuple[str, Opened]]:
    for name, state in sorted(states.items()):
        opened = state.newest if name in names else state.active
        if opened is not None:
            yield name, opened


def _revision(whole: Mapping[str, Opened]) -> str:
    """Of all bundles, in the order of their names, as of a remote OPA."""
    return "+".join(opened.manifest.revision for _, opened in sorted(whole.items()))


def _manifests(whole: Mapping[str, Opened]) -> str:
    """`data.system.bundles`, where OPA keeps them too and the composed module reads them."""
    bundles = {name: {"manifest": orjson.loads(opened.manifest.as_bytes())} for name, opened in whole.items()}
    return orjson.dumps({"system": {"bundles": bundles}}).decode()
