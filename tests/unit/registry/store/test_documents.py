from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from sidecar.policy.data_document import check_data
from sidecar.registry.values import Document, Json, Kind
from tests.registries import ANN, DAY_S, NOW_UNIX_S, Opened, pseudonym
from tests.unit.registry.store.test_bodies import DATASET, MODEL

if TYPE_CHECKING:
    from sidecar.registry.store.registry import Registry
    from tests.registries import Databases, SetClock

SHOWN = {name: value for name, value in MODEL.items() if name != "owner"}
DATA: Json = {
    "datasets": {"c": DATASET | {"parents": []}, "d": DATASET | {"parents": ["c"]}},
    "models": {"m": SHOWN},
    "group_mean": {"m": {"a": 0.5, "b": 1}},
    "objections": {"subjects": {pseudonym(3): 1}},
}


def fill(registry: Registry) -> None:
    """One of each kind, and a parent."""
    registry.load(
        {
            Kind.DATASET: [("d", DATASET | {"parents": ["c"], "checksum": "0"}), ("c", DATASET)],
            Kind.MODEL: [("m", MODEL | {"means": {"max_drift": 0.02, "min_n": 500}})],
            Kind.GROUP_MEAN: [("m", {"means": {"a": 0.5, "b": 1}, "provenance": {"set_by": "ann"}})],
            Kind.REVOKED_TOKEN: [(pseudonym(1), {"reason": "lost"})],
            Kind.REVOKED_SUBJECT: [(pseudonym(2), {})],
            Kind.OBJECTION: [(pseudonym(3), {"reason": "asked for it"})],
        },
        by=ANN,
    )


def test_an_empty_registry_makes_a_whole_document(registry: Registry) -> None:
    empty: Json = {"datasets": {}, "models": {}, "group_mean": {}, "objections": {"subjects": {}}}
    assert registry.data_document() == Document(empty, int(NOW_UNIX_S * 1_000), NOW_UNIX_S)


def test_it_has_what_engines_need_of_every_kind_but_revocations(registry: Registry) -> None:
    fill(registry)
    assert registry.data_document() == Document(DATA, int(NOW_UNIX_S * 1_000) + 1, NOW_UNIX_S)


def test_it_is_dated_by_the_last_change_of_its_content(registry: Registry, clock: SetClock) -> None:
    fill(registry)
    clock.now_s += DAY_S
    registry.put(Kind.REVOKED_TOKEN, pseudonym(9), {}, by=ANN, if_match=None)
    assert registry.data_document().created_unix_s == NOW_UNIX_S
    registry.delete(Kind.OBJECTION, pseudonym(3), by=ANN, if_match=1)
    document = registry.data_document()
    assert (document.created_unix_s, document.sequence) == (NOW_UNIX_S + DAY_S, registry.sequence())


def test_it_is_the_same_to_whoever_opens_the_database_again(opened: Opened) -> None:
    fill(opened.registry)
    again = Opened(opened.url)
    for one, other in zip(documents(opened.registry), documents(again.registry), strict=True):
        assert repr(one) == repr(other)
    again.close()


def documents(registry: Registry) -> list[Document]:
    return [registry.data_document(), registry.revocations(), registry.earlier()]


def test_what_is_exported_is_a_data_file_of_the_contract(registry: Registry) -> None:
    fill(registry)
    people = {"tokens": {pseudonym(1): 1}, "subjects": {pseudonym(2): 1}}
    assert registry.export() == DATA | {"revocations": people}
    assert check_data(registry.export()) == []


def test_what_an_engine_holds_altogether_is_acceptable_data(databases: Databases) -> None:
    with closing(Opened(databases.fresh(), recent_limit=0)) as opened:
        registry = opened.registry
        fill(registry)
        registry.consolidate()
        people: Any = [document.json["revocations"] for document in (registry.revocations(), registry.earlier())]
        assert check_data(registry.data_document().json | {"revocations": people[0] | people[1]}) == []


def test_the_sequences_are_those_of_the_documents(registry: Registry) -> None:
    fill(registry)
    assert registry.sequences() == {
        "data": registry.data_document().sequence,
        "revocations": registry.revocations().sequence,
        "revocations-earlier": registry.earlier().sequence,
    }
