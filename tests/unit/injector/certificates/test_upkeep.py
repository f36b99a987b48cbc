from __future__ import annotations

from datetime import timedelta

import pytest

from sidecar.injector.certificates.authority import LEAF_LIFE
from sidecar.injector.certificates.plan import Renew
from sidecar.injector.certificates.store import Kept, StoreFailed
from sidecar.injector.certificates.upkeep import ATTEMPTS_LIMIT, Names, Upkeep, rotate, service_names
from tests.unit.injector.certificates.clients import NOW, believes
from tests.unit.injector.certificates.memory import MemoryStore

NAMES = Names("policy")
CA, INJECTOR, REGISTRY = "policy-ca", "policy-injector-tls", "policy-registry-tls"
LEAVES = {INJECTOR: service_names("injector", "system"), REGISTRY: service_names("registry", "system")}


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(CA, INJECTOR, REGISTRY)


def upkeep(store: MemoryStore, passed: timedelta = timedelta()) -> Upkeep:
    return Upkeep(store, NAMES, LEAVES, lambda: NOW + passed)


def test_names_are_those_of_the_chart() -> None:
    assert (NAMES.authority, NAMES.injector, NAMES.registry) == (CA, INJECTOR, REGISTRY)
    assert service_names("injector", "system") == (
        *("injector.system.svc", "injector.system.svc.cluster.local", "injector.system", "injector"),
    )


def test_a_first_round_fills_what_the_chart_made_empty_the_authority_first(store: MemoryStore) -> None:
    planned = upkeep(store).round()
    assert store.writes == [CA, INJECTOR, REGISTRY]
    assert store.read(CA).data == planned.authority
    assert {secret: store.read(secret).data for secret in LEAVES} == planned.leaves
    assert believes(planned.bundle, planned.leaves[REGISTRY], "registry.system.svc", NOW)


def test_a_round_that_finds_all_well_writes_nothing(store: MemoryStore) -> None:
    first = upkeep(store).round()
    store.writes.clear()
    assert upkeep(store, timedelta(days=1)).round() == first
    assert store.writes == []


def test_a_round_renews_what_is_due_and_leaves_the_rest(store: MemoryStore) -> None:
    upkeep(store).round()
    store.writes.clear()
    upkeep(store, LEAF_LIFE * 0.7).round()
    assert store.writes == [INJECTOR, REGISTRY]


def test_of_two_replicas_that_start_at_once_the_second_takes_what_the_first_made(store: MemoryStore) -> None:
    store.before_write.append(lambda: first.append(upkeep(store).round()))
    first: list[object] = []
    second = upkeep(store).round()
    assert [second] == first
    assert store.writes == [CA, INJECTOR, REGISTRY]


def test_replicas_that_race_at_any_write_agree_in_the_end() -> None:
    for place in range(3):
        store = MemoryStore(CA, INJECTOR, REGISTRY)
        store.before_write.extend([lambda: None] * place)
        store.before_write.append(lambda store=store: upkeep(store).round())
        planned = upkeep(store).round()
        assert {secret: store.read(secret).data for secret in LEAVES} == planned.leaves
        assert all(believes(planned.bundle, planned.leaves[secret], LEAVES[secret][0], NOW) for secret in LEAVES)


def test_a_forced_renewal_that_loses_a_race_renews_the_authority_once(store: MemoryStore) -> None:
    upkeep(store).round()
    store.writes.clear()
    store.before_write.extend([lambda: None, lambda: upkeep(store).round()])
    upkeep(store).round(Renew.ALL)
    assert store.writes.count(CA) == 1


def test_races_without_end_are_given_up(store: MemoryStore) -> None:
    def disturb() -> None:
        kept = store.secrets[CA]
        store.secrets[CA] = Kept(kept.data, str(int(kept.version) + 1))

    store.before_write.extend([disturb] * ATTEMPTS_LIMIT)
    with pytest.raises(StoreFailed, match="change faster than they can be read"):
        upkeep(store).round()
    assert store.writes == []


def test_an_authority_that_cannot_be_read_stays_and_the_remedy_is_told(store: MemoryStore) -> None:
    store.secrets[CA] = Kept({"ca.crt": b"x", "ca.key": b"y"}, "1")
    with pytest.raises(
        StoreFailed, match=r"Secret policy-ca: ca.crt holds no .*kubectl patch secret policy-ca"
    ) as failed:
        upkeep(store).round()
    assert '[{"op":"remove","path":"/data"}]' in str(failed.value)
    assert store.writes == []


@pytest.mark.parametrize("renew", [Renew.LEAVES, Renew.ALL])
def test_rotate_renews_for_the_names_that_are_there_and_tells_the_webhooks(store: MemoryStore, renew: Renew) -> None:
    first = upkeep(store).round()
    second = rotate(store, NAMES, renew, lambda: NOW)
    assert all(second.leaves[secret] != first.leaves[secret] for secret in LEAVES)
    assert (second.bundle == first.bundle) == (renew is Renew.LEAVES)
    assert store.bundle == second.bundle
    assert upkeep(store).round() == second


def test_rotate_leaves_alone_what_there_is_not(store: MemoryStore) -> None:
    Upkeep(store, NAMES, {INJECTOR: LEAVES[INJECTOR]}, lambda: NOW).round()
    assert set(rotate(store, NAMES, Renew.LEAVES, lambda: NOW).leaves) == {INJECTOR}


def test_rotate_before_a_first_round_says_who_makes_it(store: MemoryStore) -> None:
    with pytest.raises(StoreFailed, match="`sidecar injector serve` makes the first one"):
        rotate(store, NAMES, Renew.ALL, lambda: NOW)
