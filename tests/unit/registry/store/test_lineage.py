from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar.registry.store.records import AT_ONCE
from sidecar.registry.values import Conflict, Invalid, Kind
from tests.registries import ANN
from tests.unit.registry.store.test_bodies import DATASET

if TYPE_CHECKING:
    from sidecar.registry.store.registry import Registry


def of(*parents: str) -> dict[str, Any]:
    return DATASET | {"parents": list(parents)}


def test_parents_must_be_there(registry: Registry) -> None:
    with pytest.raises(Invalid) as refused:
        registry.put(Kind.DATASET, "b", of("a", "z"), by=ANN, if_match=None)
    assert list(refused.value.problems) == [
        "datasets.b.parents: a is not there",
        "datasets.b.parents: z is not there",
    ]
    assert registry.get(Kind.DATASET, "b") is None
    registry.put(Kind.DATASET, "a", of(), by=ANN, if_match=None)
    registry.put(Kind.DATASET, "b", of("a", "a"), by=ANN, if_match=None)


def test_of_many_at_once_children_may_come_first(registry: Registry) -> None:
    chain = [(f"{number:05}", of(f"{number + 1:05}")) for number in range(2 * AT_ONCE)]
    registry.put_many(Kind.DATASET, [*chain, (f"{2 * AT_ONCE:05}", of())], by=ANN)
    with pytest.raises(Invalid, match="00000 from 00001"):
        registry.put(Kind.DATASET, f"{2 * AT_ONCE:05}", of("00000"), by=ANN, if_match=1)


def test_nothing_descends_from_itself(registry: Registry) -> None:
    registry.put_many(Kind.DATASET, [("a", of()), ("b", of("a")), ("c", of("b"))], by=ANN)
    for parent in ("a", "b", "c"):
        with pytest.raises(Invalid, match="it would descend from itself"):
            registry.put(Kind.DATASET, "a", of(parent), by=ANN, if_match=1)
    with pytest.raises(Invalid, match=r"from itself: (x from y from x|y from x from y)$"):
        registry.put_many(Kind.DATASET, [("x", of("y")), ("y", of("x"))], by=ANN)


def test_parents_that_were_taken_back_bind_nobody(registry: Registry) -> None:
    registry.put_many(Kind.DATASET, [("a", of()), ("b", of("a"))], by=ANN)
    registry.put(Kind.DATASET, "b", of(), by=ANN, if_match=1)
    registry.put(Kind.DATASET, "a", of("b"), by=ANN, if_match=1)
    registry.delete(Kind.DATASET, "a", by=ANN, if_match=2)
    registry.delete(Kind.DATASET, "b", by=ANN, if_match=2)
    assert registry.page(Kind.DATASET) == []


def test_a_parent_stays_while_it_has_children(registry: Registry) -> None:
    registry.put_many(Kind.DATASET, [("a", of()), ("b", of("a")), ("c", of("a"))], by=ANN)
    with pytest.raises(Conflict, match="dataset a is a parent of b, c: change or delete those first"):
        registry.delete(Kind.DATASET, "a", by=ANN, if_match=1)
    assert registry.get(Kind.DATASET, "a") is not None
