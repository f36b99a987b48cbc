from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar.registry.store.records import AT_ONCE
from sidecar.registry.values import Conflict, Invalid, Kind, Missing, Record, Stale, Unexpected
from tests.registries import ANN, BEN, DAY_S, NOW_UNIX_S, TOKEN_LIFE_S, pseudonym
from tests.unit.registry.store.test_bodies import DATASET, MODEL

if TYPE_CHECKING:
    from sidecar.registry.store.registry import Registry
    from tests.registries import SetClock


def numbers(registry: Registry) -> tuple[int, int, int, int, int]:
    """What every change moves, and nothing else may."""
    documents = (registry.data_document(), registry.revocations(), registry.earlier())
    lines = registry.history(limit=1_000)
    return (registry.sequence(), len(lines), *(each.sequence for each in documents))


def test_a_record_is_put_and_got(registry: Registry) -> None:
    made = registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    assert made == Record(Kind.DATASET, "d", 1, DATASET, NOW_UNIX_S, "ann")
    assert registry.get(Kind.DATASET, "d") == made
    assert registry.get(Kind.MODEL, "d") is None


def test_a_change_counts_the_version_up_and_names_who_and_when(registry: Registry, clock: SetClock) -> None:
    registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    clock.now_s += DAY_S
    body = DATASET | {"checksum": "0"}
    changed = registry.put(Kind.DATASET, "d", body, by=BEN, if_match=1)
    assert changed == Record(Kind.DATASET, "d", 2, body, NOW_UNIX_S + DAY_S, "ben")


@pytest.mark.parametrize(
    ("if_match", "must_be_new", "refusal"), [(None, False, Unexpected), (2, False, Stale), (None, True, Conflict)]
)
def test_a_record_that_is_there_is_changed_at_its_version_only(
    registry: Registry, if_match: int | None, must_be_new: bool, refusal: type[Exception]
) -> None:
    made = registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    before = numbers(registry)
    with pytest.raises(refusal):
        registry.put(Kind.DATASET, "d", {}, by=BEN, if_match=if_match, must_be_new=must_be_new)
    assert registry.get(Kind.DATASET, "d") == made
    assert numbers(registry) == before


def test_a_version_of_what_is_gone_is_stale(registry: Registry) -> None:
    with pytest.raises(Stale):
        registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=1)


def test_what_says_the_same_changes_nothing(registry: Registry) -> None:
    made = registry.put(Kind.DATASET, "d", DATASET | {"created_unix_s": 1}, by=ANN, if_match=None)
    before = numbers(registry)
    assert registry.put(Kind.DATASET, "d", DATASET | {"created_unix_s": 1}, by=BEN, if_match=1) == made
    assert numbers(registry) == before
    other = registry.put(Kind.DATASET, "d", DATASET | {"created_unix_s": 1.0}, by=BEN, if_match=1)
    assert (other.version, repr(other.body["created_unix_s"])) == (2, "1.0")


def test_a_record_that_returns_goes_on_counting(registry: Registry) -> None:
    """Or an entity tag of its former life would fit."""
    registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    registry.delete(Kind.DATASET, "d", by=ANN, if_match=1)
    assert registry.get(Kind.DATASET, "d") is None
    assert registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None).version == 3


@pytest.mark.parametrize(("if_match", "refusal"), [(None, Unexpected), (7, Stale)])
def test_a_record_is_deleted_at_its_version_only(
    registry: Registry, if_match: int | None, refusal: type[Exception]
) -> None:
    registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    with pytest.raises(refusal):
        registry.delete(Kind.DATASET, "d", by=ANN, if_match=if_match)
    with pytest.raises(Missing):
        registry.delete(Kind.DATASET, "e", by=ANN, if_match=1)
    assert registry.get(Kind.DATASET, "d") is not None


def test_a_bad_body_is_refused_with_all_problems_and_leaves_no_trace(registry: Registry) -> None:
    before = numbers(registry)
    with pytest.raises(Invalid) as refused:
        registry.put(Kind.MODEL, "m", MODEL | {"max_age_days": -1, "required_scopes": 7}, by=ANN, if_match=None)
    assert list(refused.value.problems) == [
        "models.m.max_age_days: must be a positive number",
        "models.m.required_scopes: must be a list of strings",
    ]
    with pytest.raises(Invalid, match="is no JSON"):
        registry.put(Kind.MODEL, "m", {"owner": "\ud800"}, by=ANN, if_match=None)
    assert numbers(registry) == before


def test_pages_follow_the_bytes_of_keys(registry: Registry) -> None:
    keys = ["Z", "a", "a b", "a-b", "a2", "a10", "b", "ä"]
    registry.put_many(Kind.DATASET, [(key, DATASET) for key in reversed(keys)], by=ANN)
    first = registry.page(Kind.DATASET, limit=5)
    rest = registry.page(Kind.DATASET, after=first[-1].key)
    assert [record.key for record in first + rest] == sorted(keys, key=str.encode)
    assert registry.page(Kind.DATASET, after="ä") == []


@pytest.mark.parametrize("text", ["\0", "\ud800"])
def test_no_text_breaks_a_look_up(registry: Registry, text: str) -> None:
    assert registry.get(Kind.DATASET, text) is None
    with pytest.raises(Invalid):
        registry.page(Kind.DATASET, after=text)
    with pytest.raises(Missing):
        registry.delete(Kind.DATASET, text, by=ANN, if_match=1)
    with pytest.raises(Invalid):
        registry.put(Kind.DATASET, text, DATASET, by=ANN, if_match=None)


def test_many_are_put_at_once_in_one_change(registry: Registry) -> None:
    registry.put(Kind.DATASET, "1", DATASET, by=ANN, if_match=None)
    registry.put(Kind.DATASET, "2", DATASET, by=ANN, if_match=None)
    items: list[tuple[str, dict[str, Any]]] = [(str(number), DATASET) for number in range(2 * AT_ONCE)]
    count = registry.put_many(
        Kind.DATASET, [("2", DATASET | {"checksum": "0"}), *items[3:], items[0], items[1]], by=BEN
    )
    assert count == 2 * AT_ONCE - 1
    lines = registry.history(after=2, limit=5_000)
    assert {(line.sequence, line.by) for line in lines} == {(registry.sequence(), "ben")}
    assert [line.number for line in lines] == list(range(3, count + 3))
    changed = registry.get(Kind.DATASET, "2")
    assert changed is not None
    assert (changed.version, changed.body["checksum"]) == (2, "0")


def test_of_several_with_one_key_the_last_counts(registry: Registry) -> None:
    first, last = DATASET | {"checksum": "first"}, DATASET | {"checksum": "last"}
    between = [(str(number), DATASET) for number in range(AT_ONCE)]
    registry.put_many(Kind.DATASET, [("d", first), *between, ("d", last)], by=ANN)
    found = registry.get(Kind.DATASET, "d")
    assert found is not None
    assert found.body == last


def test_many_are_all_put_or_none_with_the_problems_of_all(registry: Registry) -> None:
    before = numbers(registry)
    bad: list[tuple[str, dict[str, Any]]] = [("a,b", DATASET), ("x", {}), ("y", {"created_unix_s": 1})]
    with pytest.raises(Invalid) as refused:
        registry.load(
            {Kind.DATASET: [("fine", DATASET), *bad], Kind.REVOKED_TOKEN: [("alice", {})]},
            by=ANN,
        )
    assert list(refused.value.problems) == [
        "dataset 'a,b': a data version has no comma",
        "datasets.x.created_unix_s: must be a number",
        "datasets.x.consent_scopes: must be a list of strings",
        "datasets.y.consent_scopes: must be a list of strings",
        "revoked_token 'alice': must be a pseudonym, 64 hexadecimal digits",
    ]
    assert numbers(registry) == before
    assert registry.get(Kind.DATASET, "fine") is None


def test_problems_have_an_end(registry: Registry) -> None:
    with pytest.raises(Invalid) as refused:
        registry.put_many(Kind.DATASET, ((str(number), {}) for number in range(10_000)), by=ANN)
    assert len(refused.value.problems) == 201
    assert refused.value.problems[-1] == "more problems are not listed"


def test_a_rule_goes_to_another_mode_in_one_change(registry: Registry) -> None:
    registry.put(Kind.MODEL, "m", MODEL, by=ANN, if_match=None)
    changed = registry.set_rule("m", "staleness", "shadow", by=BEN, if_match=None)
    assert changed.body == MODEL | {"rules": MODEL["rules"] | {"staleness": "shadow"}}
    assert (changed.version, changed.changed_by) == (2, "ben")
    with pytest.raises(Stale):
        registry.set_rule("m", "staleness", "enforce", by=BEN, if_match=1)
    with pytest.raises(Invalid, match="must be one of enforce, shadow, off"):
        registry.set_rule("m", "staleness", "perhaps", by=BEN, if_match=2)
    with pytest.raises(Missing):
        registry.set_rule("n", "staleness", "off", by=BEN, if_match=None)


def test_a_revocation_lasts_as_long_as_a_token_could_live(registry: Registry, clock: SetClock) -> None:
    made = registry.put(Kind.REVOKED_TOKEN, pseudonym(1), {}, by=ANN, if_match=None)
    assert made.body == {"until_unix_s": NOW_UNIX_S + TOKEN_LIFE_S}
    clock.now_s += DAY_S
    registry.put_many(Kind.REVOKED_TOKEN, [(pseudonym(1), {}), (pseudonym(2), {"until_unix_s": 2e9})], by=ANN)
    found = {record.key: record.body["until_unix_s"] for record in registry.page(Kind.REVOKED_TOKEN)}
    assert found == {pseudonym(1): NOW_UNIX_S + DAY_S + TOKEN_LIFE_S, pseudonym(2): 2e9}


def test_each_document_changes_when_its_content_does_and_only_then(registry: Registry) -> None:
    def moved() -> set[str]:
        now = numbers(registry)[2:]
        names = {
            name for name, one, other in zip(("data", "recent", "earlier"), last[0], now, strict=True) if one < other
        }
        last[0] = now
        return names

    last = [numbers(registry)[2:]]
    registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
    assert moved() == {"data"}
    registry.put(Kind.DATASET, "d", DATASET | {"source": "s3://x"}, by=ANN, if_match=1)
    assert moved() == set()
    registry.put(Kind.DATASET, "d", DATASET | {"consent_scopes": []}, by=ANN, if_match=2)
    assert moved() == {"data"}
    registry.put(Kind.OBJECTION, pseudonym(1), {}, by=ANN, if_match=None)
    assert moved() == {"data"}
    registry.put(Kind.REVOKED_SUBJECT, pseudonym(1), {}, by=ANN, if_match=None)
    assert moved() == {"recent"}
    registry.put(Kind.REVOKED_SUBJECT, pseudonym(1), {"reason": "asked for it"}, by=ANN, if_match=1)
    assert moved() == set()
    registry.delete(Kind.REVOKED_SUBJECT, pseudonym(1), by=ANN, if_match=2)
    assert moved() == {"recent"}
    registry.delete(Kind.DATASET, "d", by=ANN, if_match=3)
    assert moved() == {"data"}
