"""The replay itself: records in the ledger's order, in virtual time, without side effects, in bounded memory."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.audit.redact import decision_shape
from sidecar.evidence.replay.compare import difference
from sidecar.evidence.replay.engines import Engines, makers_for
from sidecar.evidence.replay.fidelity import obstacle, restored
from sidecar.evidence.replay.policies import Candidate, Policies, PolicyUsed, Recorded
from sidecar.evidence.replay.pseudonyms import load_salt
from sidecar.evidence.replay.report import Report, Tally
from sidecar.evidence.replay.rows import Pairing, Row, Skipped, Undecided, Why
from sidecar.evidence.replay.source import Span, home_of, records_of
from sidecar.model.decision import Decision
from sidecar.model.refusal import Refused
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.verdict import verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from pathlib import Path

    from sidecar.audit.salts import Salt
    from sidecar.evidence.replay.rows import Json
    from sidecar.policy.bundle import Bundle
    from sidecar.policy.port import Engine

CHUNK = 512
"""Rows in memory at once: enough to keep OPA's batches full."""
SALTS_LIMIT = 64
UNDECIDED_NOW = frozenset({"policy_unavailable", "policy_timeout", "overloaded"})
"""Without an answer nothing can be compared; an answer that is no decision is one: it would have refused."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A row that can be replayed: with which policy, engine and salt.

    `doubted`: guards for whose failure a fallback is computed from what the record has not; `doubt` says what.
    """

    row: Row
    input_json: bytes
    policy: PolicyUsed
    kind: str
    salt: Salt | None
    doubted: frozenset[str] = frozenset()
    doubt: Skipped | None = None

    @property
    def run(self) -> tuple[str, str, str | None]:
        """Rows with the same one are answered by the same engine."""
        return self.kind, self.policy.bundle.revision, self.salt.name if self.salt else None


def replay(
    folder: Path,
    candidate: Bundle | None = None,
    *,
    records: Iterable[bytes] | None = None,
    span: Span | None = None,
    engine: str = "auto",
    advance: Callable[[int], None] = lambda records: None,
) -> Report:
    """Evaluates the recorded policy inputs of the logs in `folder` again, and compares.

    `candidate` None: each decision with the policy that made it, where it is kept; there must be no difference.
    `records` None: those of all logs in `folder`, slot after slot; salts and kept policies are taken from the audit
    folder that they lie in. Else `folder` is that audit folder.
    `engine`: `auto` (the recorded kind, where it is installed), `opa` or `embedded`. `advance` is called with the
    number of records done since the last call. May be called where an event loop runs already, as in a notebook.
    Raises `PolicyProblems` (no engine, no policies, or a candidate that it does not accept), `folders.NoLog`,
    `ledger.segments.Damaged`, OSError, and KeyError and ValueError for what is no record.
    """
    audit_dir = folder if records is not None else home_of(folder)
    policies = Candidate(candidate) if candidate is not None else _recorded(audit_dir, folder)
    engines = Engines(makers_for(engine))
    work = _Replay(audit_dir, policies, engines, span or Span(), advance)
    return _complete(work.run(records_of(folder) if records is None else records))


def _recorded(audit_dir: Path | None, folder: Path) -> Recorded:
    if audit_dir is None:
        raise PolicyProblems(
            [f"{folder} is a log without its audit folder, as in an archive, and holds no policies: give --policy"]
        )
    return Recorded(audit_dir)


class _Replay:
    def __init__(
        self, audit_dir: Path | None, policies: Policies, engines: Engines, span: Span, advance: Callable[[int], None]
    ) -> None:
        self._policies = policies
        self._engines = engines
        self._span = span
        self._advance = advance
        self._pairing = Pairing()
        self._tally = Tally()
        self._salt = lru_cache(maxsize=SALTS_LIMIT)(partial(load_salt, audit_dir))

    async def run(self, records: Iterable[bytes]) -> Report:
        """All of it."""
        chunk: list[_Asked] = []
        done = 0
        try:
            for record in records:
                done += 1
                asked = self._look(record)
                if asked is not None:
                    chunk.append(asked)
                if len(chunk) >= CHUNK or done >= 8 * CHUNK:
                    await self._judge(chunk)
                    self._advance(done)
                    chunk, done = [], 0
            await self._judge(chunk)
            self._advance(done)
        finally:
            await self._engines.aclose()
        return self._tally.report(self._policies.candidate)

    def _look(self, record: bytes) -> _Asked | None:
        """What to ask about a record; whatever else it is goes into the tally."""
        shape = cast("Json", orjson.loads(record))
        if shape["time_unix_ns"] not in self._span:
            return None
        self._tally.records += 1
        found = self._pairing.take(shape)
        asked = self._prepared(found) if isinstance(found, Row) else found
        if isinstance(asked, _Asked):
            return asked
        if isinstance(asked, Undecided):
            self._tally.undecided(asked)
        else:
            self._tally.skipped(asked)
        return None

    def _prepared(self, row: Row) -> _Asked | Skipped:
        policy = self._policies.of(row)
        if isinstance(policy, Skipped):
            return policy
        salt = self._salt(row.period)
        asked = restored(row.input, salt)
        model, phase = row.place.model, str(row.place.phase)
        hindered = obstacle(row, asked, policy.reads_of(model, phase), salt, registers=policy.registers)
        if hindered:
            return hindered
        doubted, reads = policy.fallbacks_of(model, phase)
        doubt = obstacle(row, asked, reads, salt, registers=policy.registers)
        kind = self._engines.kind_for(row.engine)
        return _Asked(row, orjson.dumps(asked), policy, kind, salt, doubted if doubt else frozenset(), doubt)

    async def _judge(self, chunk: list[_Asked]) -> None:
        for _, asked in groupby(chunk, key=lambda one: one.run):
            await self._judge_alike(list(asked))

    async def _judge_alike(self, chunk: list[_Asked]) -> None:
        """Rows of one engine, all at once: an engine's answers do not depend on each other."""
        first = chunk[0]
        try:
            engine = await self._engines.engine(first.kind, first.policy, first.salt)
        except PolicyProblems as problems:
            if self._policies.candidate is not None:
                raise
            for asked in chunk:
                self._tally.skipped(Skipped(asked.row.place, Why.POLICY_NOT_ACCEPTED, problems.problems[0]))
            return
        decisions = await asyncio.gather(*[_decision(engine, asked) for asked in chunk])
        for asked, decision in zip(chunk, decisions, strict=True):
            self._compare(asked, decision)

    def _compare(self, asked: _Asked, decision: Decision | Skipped) -> None:
        if isinstance(decision, Skipped):
            self._tally.skipped(decision)
            return
        if asked.doubt and any(reason.rule in asked.doubted for reason in decision.reasons):
            self._tally.skipped(asked.doubt)  # the fallback would have taken its place
            return
        row, words = asked.row, self._policies.candidate is None
        found = difference(row.place, row.decision, decision_shape(decision), words=words)
        self._tally.replayed(asked.kind, found)


async def _decision(engine: Engine, asked: _Asked) -> Decision | Skipped:
    """The decision, as the data path would have taken it."""
    try:
        return verdict(await engine.decide(asked.input_json))
    except Refused as refusal:
        code = refusal.reasons[0].code
        if code in UNDECIDED_NOW:
            return Skipped(asked.row.place, Why.ENGINE_FAILED_NOW, code)
        return Decision(False, asked.policy.bundle.revision, refusal.reasons)


def _complete(work: Coroutine[Any, Any, Report]) -> Report:
    """Runs it to its end; in a thread of its own where this one has an event loop already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
