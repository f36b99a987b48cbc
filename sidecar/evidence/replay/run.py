"""The replay itself: records in the ledger's order, in virtual time, without side effects, in bounded memory."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.evidence.replay.compare import difference
from sidecar.evidence.replay.engines import Engines, makers_for
from sidecar.evidence.replay.fidelity import restored
from sidecar.evidence.replay.judge import Judge, judge_of
from sidecar.evidence.replay.policies import Candidate, Policies, Recorded
from sidecar.evidence.replay.pseudonyms import load_salt
from sidecar.evidence.replay.report import Report, Tally
from sidecar.evidence.replay.rows import Pairing, Row, Skipped, Undecided, Why
from sidecar.evidence.replay.source import Span, home_of, records_of
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from pathlib import Path

    from sidecar.audit.salts import Salt
    from sidecar.evidence.replay.rows import Json
    from sidecar.policy.bundle import Bundle
    from sidecar.policy.watch import EngineMaker

CHUNK = 512
"""Rows in memory at once: enough to keep OPA's batches full."""
SALTS_LIMIT = 64


@dataclass(frozen=True, slots=True)
class _Asked:
    """A row that can be replayed: by which engine and under which salt, by whom, and against whom, if anybody."""

    row: Row
    input_json: bytes
    kind: str
    salt: Salt | None
    judge: Judge
    base: Judge | None

    @property
    def run(self) -> tuple[str, str, str | None]:
        """Rows with the same one are answered by the same engines: there is one base at most."""
        return self.kind, self.judge.policy.content, self.salt.name if self.salt else None


def replay(
    folder: Path,
    candidate: Bundle | None = None,
    *,
    base: Bundle | None = None,
    records: Iterable[bytes] | None = None,
    span: Span | None = None,
    engine: str = "auto",
    advance: Callable[[int], None] = lambda records: None,
) -> Report:
    """Evaluates the recorded policy inputs of the logs in `folder` again, and compares.

    `candidate` None: each decision with the policy that made it, where it is kept; there must be no difference.
    `base`: what this policy decides is compared with, instead of what is on record; only with a candidate.
    `records` None: those of all logs in `folder`, slot after slot; salts and kept policies are taken from the audit
    folder that they lie in. Else `folder` is that audit folder.
    `engine`: `auto` (the recorded kind, where it is installed), `opa` or `embedded`. `advance` is called with the
    number of records done since the last call. May be called where an event loop runs already, as in a notebook.
    Raises `PolicyProblems` (no engine, no policies, or a candidate that it does not accept), `folders.NoLog`,
    `ledger.segments.Damaged`, OSError, and KeyError and ValueError for what is no record.
    """
    if base is not None and candidate is None:
        raise ValueError("a base is what a candidate is compared with: give a candidate")
    audit_dir = folder if records is not None else home_of(folder)
    policies = Candidate(candidate, base) if candidate is not None else _recorded(audit_dir, folder)
    source = _Source(audit_dir, records_of(folder) if records is None else records)
    return _complete(_replayed([source], policies, makers_for(engine), span or Span(), advance))


def replay_all(
    folders: Iterable[Path],
    candidate: Bundle,
    *,
    base: Bundle | None = None,
    span: Span | None = None,
    engine: str = "auto",
    advance: Callable[[int], None] = lambda records: None,
) -> Report:
    """One report over the logs of several folders, as a deployment has one for each of its sidecars.

    Arguments and errors are those of `replay`.
    """
    sources = [_Source(home_of(folder), records_of(folder)) for folder in folders]
    return _complete(_replayed(sources, Candidate(candidate, base), makers_for(engine), span or Span(), advance))


@dataclass(frozen=True, slots=True)
class _Source:
    """Records in a ledger's order, and the folder with the salts that they were written under, where it is known."""

    audit_dir: Path | None
    records: Iterable[bytes]


async def _replayed(
    sources: Iterable[_Source],
    policies: Policies,
    makers: dict[str, EngineMaker],
    span: Span,
    advance: Callable[[int], None],
) -> Report:
    tally, engines = Tally(), Engines(makers)
    try:
        for source in sources:
            await _Replay(source, policies, engines, span=span, advance=advance, tally=tally).run()
    finally:
        await engines.aclose()
    return tally.report(policies.candidate, policies.base.bundle.revision if policies.base else None)


def _recorded(audit_dir: Path | None, folder: Path) -> Recorded:
    if audit_dir is None:
        raise PolicyProblems(
            [f"{folder} is a log without its audit folder, as in an archive, and holds no policies: give --policy"]
        )
    return Recorded(audit_dir)


class _Replay:
    """The replay of one source, into a tally that others may share."""

    def __init__(
        self,
        source: _Source,
        policies: Policies,
        engines: Engines,
        *,
        span: Span,
        advance: Callable[[int], None],
        tally: Tally,
    ) -> None:
        self._records = source.records
        self._policies = policies
        self._engines = engines
        self._span = span
        self._advance = advance
        self._pairing = Pairing()
        self._tally = tally
        self._salt = lru_cache(maxsize=SALTS_LIMIT)(partial(load_salt, source.audit_dir))

    async def run(self) -> None:
        """All of it."""
        chunk: list[_Asked] = []
        done = 0
        for record in self._records:
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
        policy, base = self._policies.of(row), self._policies.base
        if isinstance(policy, Skipped):
            return policy
        salt = self._salt(row.period)
        asked = restored(row.input, salt)
        judge = judge_of(policy, row, asked, salt)
        reference = None if base is None else judge_of(base, row, asked, salt)
        if isinstance(judge, Skipped):
            return judge
        if isinstance(reference, Skipped):
            return reference
        return _Asked(row, orjson.dumps(asked), self._engines.kind_for(row.engine), salt, judge, reference)

    async def _judge(self, chunk: list[_Asked]) -> None:
        for _, asked in groupby(chunk, key=lambda one: one.run):
            await self._judge_alike(list(asked))

    async def _judge_alike(self, chunk: list[_Asked]) -> None:
        """Rows of the same engines, all at once: an engine's answers do not depend on each other."""
        try:
            decisions = await self._decisions([(asked, asked.judge) for asked in chunk])
        except PolicyProblems as problems:
            if self._policies.candidate is not None:
                raise
            for asked in chunk:
                self._tally.skipped(Skipped(asked.row.place, Why.POLICY_NOT_ACCEPTED, problems.problems[0]))
            return
        references = await self._references(chunk)
        for asked, reference, decision in zip(chunk, references, decisions, strict=True):
            self._compare(asked, reference, decision)

    async def _references(self, chunk: list[_Asked]) -> list[Json | Skipped]:
        """What to compare with: the base's decisions, or those on record."""
        bases = [(asked, asked.base) for asked in chunk if asked.base is not None]
        if not bases:
            return [asked.row.decision for asked in chunk]
        return await self._decisions(bases)

    async def _decisions(self, asked: list[tuple[_Asked, Judge]]) -> list[Json | Skipped]:
        """One policy's, on rows of the same engine; raises `PolicyProblems` where that does not accept it."""
        first, judge = asked[0]
        engine = await self._engines.engine(first.kind, judge.policy, first.salt)
        return await asyncio.gather(*[judge.decision(engine, one.row.place, one.input_json) for one, judge in asked])

    def _compare(self, asked: _Asked, reference: Json | Skipped, decision: Json | Skipped) -> None:
        if isinstance(decision, Skipped):
            self._tally.skipped(decision)
        elif isinstance(reference, Skipped):
            self._tally.skipped(reference)
        else:
            words = self._policies.candidate is None
            self._tally.replayed(asked.kind, difference(asked.row.place, reference, decision, words=words))


def _complete(work: Coroutine[Any, Any, Report]) -> Report:
    """Runs it to its end; in a thread of its own where this one has an event loop already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
