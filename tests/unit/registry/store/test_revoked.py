from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from sidecar.registry.store import revoked
from sidecar.registry.store.revoked import BULKS_APART_S, SWOLLEN
from sidecar.registry.values import Change, Document, Kind
from tests.registries import ANN, DAY_S, NOW_UNIX_S, TOKEN_LIFE_S, Opened, pseudonym

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from sidecar.registry.store.registry import Registry
    from tests.registries import Databases, SetClock

LIMIT = 3


@pytest.fixture
def opened(databases: Databases) -> Generator[Opened]:
    made = Opened(databases.fresh(), recent_limit=LIMIT)
    yield made
    made.close()


def revoke(registry: Registry, *numbers: int, kind: Kind = Kind.REVOKED_TOKEN) -> None:
    registry.put_many(kind, [(pseudonym(number), {}) for number in numbers], by=ANN)


def tiers(registry: Registry) -> tuple[int, list[str], int, list[str]]:
    """`after` and the recent tokens, `number` and the tokens of the bulk (by their first 32 digits)."""
    recent = cast("dict[str, object]", registry.revocations().json["revocations"])
    bulk = cast("dict[str, dict[str, object]]", registry.earlier().json["revocations"])["earlier"]
    tokens = cast("dict[str, str]", bulk["tokens"])
    ids = [prefix + rest for prefix, rests in tokens.items() for rest in rests.split(" ")]
    return cast("int", recent["after"]), [*cast("dict[str, int]", recent["tokens"])], cast("int", bulk["number"]), ids


def whole(numbers: Iterable[int]) -> list[str]:
    return sorted(map(pseudonym, numbers))


def cut(numbers: Iterable[int]) -> list[str]:
    return [each[:32] for each in whole(numbers)]


def test_before_the_first_bulk_the_recent_tier_has_all(registry: Registry) -> None:
    revoke(registry, 1, 2)
    revoke(registry, 3, kind=Kind.REVOKED_SUBJECT)
    assert registry.revocations() == Document(
        {
            "revocations": {
                "tokens": {pseudonym(1): 1, pseudonym(2): 1},
                "subjects": {pseudonym(3): 1},
                "after": 0,
            }
        },
        int(NOW_UNIX_S * 1_000) + 2,
        NOW_UNIX_S,
    )
    assert registry.earlier().json == {"revocations": {"earlier": {"number": 0, "tokens": {}, "subjects": {}}}}


def test_a_bulk_is_laid_out_by_the_first_four_digits(registry: Registry) -> None:
    same = ["ab12" + digit * 60 for digit in "210"]
    registry.put_many(Kind.REVOKED_SUBJECT, [(key, {}) for key in [*same, "ff" * 32]], by=ANN)
    assert registry.consolidate()
    assert registry.earlier().json == {
        "revocations": {
            "earlier": {
                "number": 1,
                "tokens": {},
                "subjects": {"ab12": f"{'0' * 28} {'1' * 28} {'2' * 28}", "ffff": "f" * 28},
            }
        }
    }


def test_a_bulk_is_made_when_more_wait_than_may(registry: Registry) -> None:
    revoke(registry, 1, 2)
    revoke(registry, 3, kind=Kind.REVOKED_SUBJECT)
    assert not registry.consolidate()
    revoke(registry, 4)
    assert registry.consolidate()
    assert tiers(registry) == (0, whole([1, 2, 4]), 1, cut([1, 2, 4]))
    assert not registry.consolidate()


def test_the_recent_tier_lets_go_one_bulk_later(registry: Registry, clock: SetClock) -> None:
    revoke(registry, *range(4))
    registry.consolidate()
    revoke(registry, *range(4, 7))
    clock.now_s += BULKS_APART_S
    assert not registry.consolidate()
    revoke(registry, 7)
    assert registry.consolidate()
    assert tiers(registry) == (1, whole(range(4, 8)), 2, cut(range(8)))


def test_bulks_keep_apart_so_that_engines_have_fetched_the_last(registry: Registry, clock: SetClock) -> None:
    revoke(registry, *range(4))
    registry.consolidate()
    revoke(registry, *range(4, 8))
    clock.now_s += BULKS_APART_S - 1
    assert not registry.consolidate()
    clock.now_s += 1
    assert registry.consolidate()


def test_a_recent_tier_that_an_import_has_swollen_is_relieved(registry: Registry, clock: SetClock) -> None:
    revoke(registry, *range(SWOLLEN * LIMIT + 1))
    registry.consolidate()
    clock.now_s += BULKS_APART_S
    assert registry.consolidate()
    assert tiers(registry) == (1, [], 2, cut(range(SWOLLEN * LIMIT + 1)))
    clock.now_s += BULKS_APART_S
    assert not registry.consolidate()


def test_a_bulk_is_a_change_like_any_other(registry: Registry) -> None:
    revoke(registry, *range(4))
    registry.consolidate()
    newest = registry.history(after=4)
    assert newest == [
        Change(
            5,
            registry.sequence(),
            NOW_UNIX_S,
            "registry",
            "consolidated",
            "revocations",
            "",
            {"number": 0},
            {"number": 1},
        )
    ]
    assert registry.earlier().sequence == registry.sequence()
    assert registry.revocations().sequence == registry.sequence() - 1, "after is 0 as before"


def test_what_is_taken_back_leaves_both_tiers(registry: Registry, clock: SetClock) -> None:
    revoke(registry, *range(4))
    registry.consolidate()
    registry.delete(Kind.REVOKED_TOKEN, pseudonym(0), by=ANN, if_match=1)
    assert tiers(registry) == (0, whole([1, 2, 3]), 1, cut([1, 2, 3]))
    revoke(registry, *range(4, 8))
    clock.now_s += BULKS_APART_S
    registry.consolidate()
    recent = registry.revocations()
    registry.delete(Kind.REVOKED_TOKEN, pseudonym(1), by=ANN, if_match=1)
    assert tiers(registry) == (1, whole(range(4, 8)), 2, cut([2, 3, 4, 5, 6, 7]))
    assert registry.revocations() == recent
    revoke(registry, 1)
    assert tiers(registry)[1] == whole([1, *range(4, 8)])


def test_what_no_living_token_needs_is_forgotten_with_a_line_each(registry: Registry, clock: SetClock) -> None:
    revoke(registry, 1, 2)
    revoke(registry, 3, kind=Kind.REVOKED_SUBJECT)
    clock.now_s += DAY_S
    revoke(registry, 4)
    clock.now_s = NOW_UNIX_S + TOKEN_LIFE_S - 1
    before = registry.sequence()
    assert (registry.forget_expired(), registry.sequence()) == (0, before)
    clock.now_s += 1
    assert registry.forget_expired() == 3
    lines = [(line.number, line.by, line.action, line.kind, line.key, line.after) for line in registry.history(after=4)]
    assert lines == [
        (number, "registry", "expired", kind, pseudonym(key), None)
        for number, kind, key in zip(
            (5, 6, 7),
            ("revoked_token", "revoked_token", "revoked_subject"),
            (*sorted((1, 2), key=pseudonym), 3),
            strict=True,
        )
    ]
    assert registry.history(after=6)[0].before == {"until_unix_s": NOW_UNIX_S + TOKEN_LIFE_S}
    assert tiers(registry) == (0, whole([4]), 0, [])
    assert registry.forget_expired() == 0
    revoke(registry, 5)
    assert registry.history(after=7)[0].number == 8


def test_forgetting_changes_only_the_documents_that_had_it(registry: Registry, clock: SetClock) -> None:
    def sequences() -> tuple[int, int]:
        return registry.revocations().sequence, registry.earlier().sequence

    def end(*numbers: int) -> tuple[bool, bool]:
        before = sequences()
        clock.now_s += 1
        items = [(pseudonym(number), {"until_unix_s": clock.now_s + 1}) for number in numbers]
        registry.put_many(Kind.REVOKED_TOKEN, items, by=ANN)
        clock.now_s += 1
        assert (sequences(), registry.forget_expired()) == (before, len(numbers)), "an end changes no document"
        return before[0] < sequences()[0], before[1] < sequences()[1]

    revoke(registry, *range(10))
    registry.consolidate()
    clock.now_s += BULKS_APART_S
    registry.consolidate()
    revoke(registry, *range(10, 15))
    assert end(1, 2) == (False, True)
    assert end(10) == (True, False)
    clock.now_s += BULKS_APART_S
    registry.consolidate()
    assert end(11) == (True, True)


def test_many_are_forgotten_in_several_changes_so_that_others_can_write(
    registry: Registry, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoked, "FORGET_AT_ONCE", 4)
    revoke(registry, *range(10))
    revoke(registry, 20, 21, kind=Kind.REVOKED_SUBJECT)
    clock.now_s += TOKEN_LIFE_S
    assert registry.forget_expired() == 12
    lines = registry.history(after=12)
    assert [line.number for line in lines] == list(range(13, 25))
    changes = [line.sequence for line in lines]
    assert [changes.count(each) for each in sorted(set(changes))] == [6, 4, 2]
    assert {line.key for line in lines} == {pseudonym(number) for number in (*range(10), 20, 21)}
    assert tiers(registry) == (0, [], 0, [])
