"""The decision cache of the request phase (contract 4): bounded, short-lived, of one revision at a time."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.model.decision import Decision
    from sidecar.model.question import Question

ENTRY_LIMIT = 4096
KEY_LIMIT_BYTES = 4096
"""Longer inputs (many instances, each with a group) are not kept: they hardly recur, and memory is finite."""
LIFE_LIMIT_S = 5.0
"""Contract 4: whatever a policy says, a decision is asked for anew after this long."""


@dataclass(frozen=True, slots=True)
class CacheStats:
    """How the cache fared since the start; `entries` is the present number."""

    hits: int
    misses: int
    entries: int


class DecisionCache:
    """Decisions by revision, mode and the input less its time; the least recently used leave first.

    An entry answers questions asked at its own time or later, before its end, by the questions' own clock:
    after a step back of that clock nothing is answered from here. Failures are never kept.
    """

    def __init__(self, mode: str, *, entry_limit: int = ENTRY_LIMIT) -> None:
        self._mode = mode
        self._entry_limit = entry_limit
        self._revision = ""
        self._entries: OrderedDict[tuple[str, bytes], tuple[float, float, Decision]] = OrderedDict()
        self._hits = 0
        self._misses = 0

    def get(self, revision: str, question: Question) -> Decision | None:
        """The decision that still holds for this question, if there is one."""
        if revision != self._revision:
            self._entries.clear()
            self._revision = revision
        key = (self._mode, question.stable)
        entry = self._entries.get(key)
        if entry is not None and entry[0] <= question.unix_s < entry[1]:
            self._entries.move_to_end(key)
            self._hits += 1
            return entry[2]
        self._misses += 1
        return None

    def put(self, question: Question, decision: Decision) -> None:
        """Keeps a decision for the least of its `ttl_s`, 5 s and what is left of the token's life."""
        until_unix_s = question.unix_s + min(decision.ttl_s, LIFE_LIMIT_S)
        if question.expires_unix_s is not None:
            until_unix_s = min(until_unix_s, question.expires_unix_s)
        if decision.revision != self._revision or until_unix_s <= question.unix_s:
            return
        if len(question.stable) > KEY_LIMIT_BYTES:
            return
        key = bytes(memoryview(question.stable))  # a copy: orjson's own bytes keep the 4 KiB and more it wrote into
        self._entries[(self._mode, key)] = (question.unix_s, until_unix_s, decision)
        if len(self._entries) > self._entry_limit:
            self._entries.popitem(last=False)

    def stats(self) -> CacheStats:
        """Hits, misses and the present number of entries."""
        return CacheStats(self._hits, self._misses, len(self._entries))
