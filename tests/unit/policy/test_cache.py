from __future__ import annotations

import tracemalloc

import pytest

from sidecar.model.decision import Decision
from sidecar.model.question import Question, ask
from sidecar.policy.cache import KEY_LIMIT_BYTES, CacheStats, DecisionCache

ALLOW = Decision(allow=True, revision="r1", ttl_s=60.0)


def asked(at_s: float, *, expires_s: float | None = None, name: str = "credit") -> Question:
    return ask({"model": name}, at_s, expires_s)


def cache_with(question: Question, decision: Decision = ALLOW) -> DecisionCache:
    cache = DecisionCache("enforce")
    assert cache.get("r1", question) is None
    cache.put(question, decision)
    return cache


@pytest.mark.parametrize(
    ("ttl_s", "expires_s", "life_s"), [(60.0, None, 5.0), (2.0, None, 2.0), (60.0, 101.5, 1.5), (2.0, 109.0, 2.0)]
)
def test_an_entry_lives_for_the_least_of_the_three(ttl_s: float, expires_s: float | None, life_s: float) -> None:
    question = asked(100.0, expires_s=expires_s)
    decision = ALLOW._replace(ttl_s=ttl_s)
    cache = cache_with(question, decision)
    assert cache.get("r1", question._replace(unix_s=100.0 + life_s - 0.001)) == decision
    assert cache.get("r1", question._replace(unix_s=100.0 + life_s)) is None


def test_after_a_step_back_of_the_clock_nothing_is_answered() -> None:
    cache = cache_with(asked(100.0))
    assert cache.get("r1", asked(99.9)) is None


@pytest.mark.parametrize(("ttl_s", "expires_s"), [(0.0, None), (5.0, 100.0), (5.0, 90.0)])
def test_what_has_no_life_is_not_kept(ttl_s: float, expires_s: float | None) -> None:
    question = asked(100.0, expires_s=expires_s)
    assert cache_with(question, ALLOW._replace(ttl_s=ttl_s)).stats().entries == 0


def test_another_input_is_another_entry() -> None:
    cache = cache_with(asked(100.0))
    assert cache.get("r1", asked(100.0, name="other")) is None


def test_a_new_revision_empties_it_and_a_late_answer_of_the_old_one_is_not_kept() -> None:
    cache = cache_with(asked(100.0))
    assert cache.get("r2", asked(100.0)) is None
    cache.put(asked(100.0), ALLOW)
    assert cache.stats() == CacheStats(hits=0, misses=2, entries=0)


def test_the_least_recently_used_leaves_first() -> None:
    cache = DecisionCache("enforce", entry_limit=2)
    questions = [asked(100.0, name=name) for name in "abc"]
    cache.get("r1", questions[0])
    cache.put(questions[0], ALLOW)
    cache.put(questions[1], ALLOW)
    assert cache.get("r1", questions[0]) == ALLOW
    cache.put(questions[2], ALLOW)
    assert [cache.get("r1", question) is not None for question in questions] == [True, False, True]
    assert cache.stats() == CacheStats(hits=3, misses=2, entries=2)


def test_long_inputs_are_not_kept() -> None:
    assert cache_with(asked(100.0, name="n" * KEY_LIMIT_BYTES)).stats().entries == 0


def test_an_entry_holds_its_input_and_not_the_buffer_that_it_was_written_into() -> None:
    cache = DecisionCache("enforce")
    cache.get("r1", asked(100.0))
    tracemalloc.start()
    try:
        for number in range(256):
            cache.put(asked(100.0, name=f"{number:0500}"), ALLOW)
        held_bytes = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert cache.stats().entries == 256
    assert held_bytes < 256 * 1_024  # inputs are half of it; orjson's buffers have as much or more
