from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.registry.values import Json, Kind
from tests.registries import ANN, NOW_UNIX_S, TOKEN_LIFE_S, pseudonym
from tests.unit.registry.store.test_bodies import DATASET
from tests.unit.registry.store.test_documents import fill

if TYPE_CHECKING:
    from sidecar.registry.store.registry import Registry
    from tests.registries import SetClock

EMPTY: Json = {
    "datasets": {},
    "models": {},
    "group_mean": {},
    "revocations": {"tokens": {}, "subjects": {}},
    "objections": {"subjects": {}},
}


def test_before_the_first_change_there_was_nothing(registry: Registry) -> None:
    fill(registry)
    assert registry.export(NOW_UNIX_S - 0.001) == EMPTY


def test_every_state_comes_back_as_it_was(registry: Registry, clock: SetClock) -> None:
    states: list[tuple[float, Json]] = []

    def keep() -> None:
        states.append((clock.now_s, registry.export()))
        clock.now_s += 1

    fill(registry)
    keep()
    registry.put(Kind.DATASET, "d", DATASET | {"consent_scopes": []}, by=ANN, if_match=1)
    keep()
    registry.delete(Kind.DATASET, "c", by=ANN, if_match=1)
    registry.delete(Kind.REVOKED_TOKEN, pseudonym(1), by=ANN, if_match=1)
    keep()
    registry.set_rule("m", "staleness", "off", by=ANN, if_match=None)
    registry.put(Kind.DATASET, "c", DATASET, by=ANN, if_match=None)
    keep()
    clock.now_s = NOW_UNIX_S + TOKEN_LIFE_S
    registry.forget_expired()
    keep()
    assert [registry.export(at) for at, _ in states] == [state for _, state in states]
    assert [registry.export(at + 0.5) for at, _ in states] == [state for _, state in states]
    assert len({repr(state) for _, state in states}) == 5


def test_a_clock_that_was_wrong_for_a_while_hides_nothing(registry: Registry, clock: SetClock) -> None:
    clock.now_s = NOW_UNIX_S + 1e9
    registry.put(Kind.DATASET, "early", DATASET, by=ANN, if_match=None)
    clock.now_s = NOW_UNIX_S
    registry.put(Kind.DATASET, "late", DATASET, by=ANN, if_match=None)
    assert registry.export(NOW_UNIX_S) == registry.export()
