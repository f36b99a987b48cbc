"""What is due, over years: at every moment who trusts any of what was given out takes what is served."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.x509 import load_pem_x509_certificates
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.injector.certificates.authority import AUTHORITY_LIFE, AUTHORITY_RENEWED_AT, LEAF_LIFE, LEAF_RENEWED_AT
from sidecar.injector.certificates.plan import Planned, Renew, plan
from sidecar.injector.certificates.secrets import AuthorityUnreadable
from tests.budgets import examples
from tests.unit.injector.certificates.clients import NOW, believes

if TYPE_CHECKING:
    from datetime import datetime

    from sidecar.injector.certificates.secrets import Data

DAY = timedelta(days=1)
NAMES = {"injector-tls": ("injector.policy.svc", "injector"), "registry-tls": ("registry.policy.svc",)}
FIRST = {secret: names[0] for secret, names in NAMES.items()}


def planned(before: Planned | None, now: datetime, renew: Renew = Renew.NOTHING) -> Planned:
    authority: Data = before.authority if before else {}
    leaves = {secret: (names, before.leaves[secret] if before else {}) for secret, names in NAMES.items()}
    return plan("policy", authority, leaves, now, renew)


def test_out_of_nothing_come_an_authority_and_leaves() -> None:
    first = planned(None, NOW)
    assert set(first.authority) == {"ca.crt", "ca.key"}
    for secret, data in first.leaves.items():
        assert set(data) == {"tls.crt", "tls.key", "ca.crt"}
        assert data["ca.crt"] == first.bundle == first.authority["ca.crt"]
        assert believes(first.bundle, data, FIRST[secret], NOW)
        assert not believes(first.bundle, data, "another.policy.svc", NOW)
    assert first.ends == {"authority": NOW + AUTHORITY_LIFE} | dict.fromkeys(NAMES, NOW + LEAF_LIFE)


def test_what_is_good_stays_byte_for_byte() -> None:
    first = planned(None, NOW)
    assert planned(first, NOW + LEAF_LIFE * LEAF_RENEWED_AT - DAY) == first


def test_a_leaf_is_renewed_at_two_thirds_of_its_life() -> None:
    first = planned(None, NOW)
    second = planned(first, NOW + LEAF_LIFE * LEAF_RENEWED_AT)
    assert second.authority == first.authority
    assert all(second.leaves[secret]["tls.key"] != first.leaves[secret]["tls.key"] for secret in NAMES)


def test_an_authority_is_renewed_at_four_fifths_and_signs_every_leaf_anew() -> None:
    first = planned(None, NOW)
    now = NOW + AUTHORITY_LIFE * AUTHORITY_RENEWED_AT
    second = planned(first, now)
    assert second.authority["previous.crt"] == first.authority["ca.crt"]
    assert second.bundle == second.authority["ca.crt"] + first.authority["ca.crt"]
    for secret, data in second.leaves.items():
        assert believes(first.bundle, data, FIRST[secret], now)
        assert believes(second.authority["ca.crt"], data, FIRST[secret], now)


@pytest.mark.parametrize(("renew", "authority_stays"), [(Renew.LEAVES, True), (Renew.ALL, False)])
def test_a_renewal_can_be_forced(renew: Renew, authority_stays: bool) -> None:
    first = planned(None, NOW)
    second = planned(first, NOW, renew)
    assert (second.authority == first.authority) == authority_stays
    assert all(second.leaves[secret]["tls.key"] != first.leaves[secret]["tls.key"] for secret in NAMES)


@pytest.mark.parametrize(
    "spoilt",
    [
        {},
        {"tls.crt": b"x"},
        {"tls.crt": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
        {"tls.key": b"x"},
        {"tls.key": "other"},
        {"tls.crt": "authority"},
        {"ca.crt": b"x"},
    ],
)
def test_a_leaf_that_cannot_be_served_is_made_anew(spoilt: dict[str, bytes | str]) -> None:
    first = planned(None, NOW)
    words = {"other": planned(None, NOW).leaves["injector-tls"]["tls.key"], "authority": first.authority["ca.crt"]}
    changes = {name: words[value] if isinstance(value, str) else value for name, value in spoilt.items()}
    present = {**first.leaves["injector-tls"], **changes} if spoilt else {}
    second = plan("policy", first.authority, {"injector-tls": (NAMES["injector-tls"], present)}, NOW)
    assert believes(first.bundle, second.leaves["injector-tls"], "injector", NOW)
    assert second.leaves["injector-tls"]["tls.key"] != first.leaves["injector-tls"]["tls.key"]


def test_a_leaf_of_other_names_or_of_a_foreign_authority_is_made_anew() -> None:
    first, foreign = planned(None, NOW), planned(None, NOW)
    for names, data in [(("new",), first.leaves["injector-tls"]), (("injector",), foreign.leaves["injector-tls"])]:
        second = plan("policy", first.authority, {"injector-tls": (names, data)}, NOW)
        assert believes(first.bundle, second.leaves["injector-tls"], names[0], NOW)


@pytest.mark.parametrize(
    ("spoilt", "problem"),
    [
        ({"ca.crt": b""}, "ca.crt is not there"),
        ({"ca.key": b"x"}, "ca.key holds no private key"),
        ({"previous.crt": b"x"}, "previous.crt holds no certificates"),
        ({"ca.key": b"other"}, "ca.crt is not of ca.key"),
    ],
)
def test_an_authority_that_cannot_be_read_is_never_replaced(spoilt: dict[str, bytes], problem: str) -> None:
    present = {**planned(None, NOW).authority, **spoilt}
    if present["ca.key"] == b"other":
        present["ca.key"] = planned(None, NOW).authority["ca.key"]
    with pytest.raises(AuthorityUnreadable, match=problem):
        plan("policy", present, {}, NOW)


@dataclass
class Cluster:
    """Who trusts what: pods trust what there was when they were made."""

    now: datetime = NOW
    state: Planned = field(default_factory=lambda: planned(None, NOW))
    given_out: list[bytes] = field(default_factory=list[bytes])

    def after(self, passed: timedelta, renew: Renew) -> None:
        self.given_out.append(self.state.bundle)
        before = self.state
        self.now += passed
        self.state = planned(before, self.now, renew)
        served = [self.state.leaves] if _ended(before, self.now) else [before.leaves, self.state.leaves]
        for leaves in served:  # a replica may serve the one of before for a while
            assert all(believes(self.state.bundle, leaves[secret], FIRST[secret], self.now) for secret in NAMES)
        for bundle in self.given_out:
            if _alive(bundle, self.now):
                assert believes(bundle, self.state.leaves["registry-tls"], FIRST["registry-tls"], self.now)


def _ended(state: Planned, now: datetime) -> bool:
    return any(end <= now for end in state.ends.values())


def _alive(bundle: bytes, now: datetime) -> bool:
    newest = load_pem_x509_certificates(bundle)[0]
    return newest.not_valid_after_utc > now


@given(
    days=st.lists(st.integers(1, 29), min_size=1, max_size=12),
    years=st.integers(0, 6),
    renewals=st.lists(st.sampled_from([Renew.ALL, Renew.LEAVES]), max_size=3),
)
@settings(max_examples=examples(12))
def test_at_every_moment_someone_trusted_has_signed_what_is_served(
    days: list[int], years: int, renewals: list[Renew]
) -> None:
    cluster = Cluster()
    for _ in range(years * 13):
        cluster.after(timedelta(days=28), Renew.NOTHING)
    for index, passed in enumerate(days):
        cluster.after(timedelta(days=passed), renewals[index] if index < len(renewals) else Renew.NOTHING)


def test_after_years_without_a_round_everything_is_made_anew() -> None:
    cluster = Cluster()
    cluster.after(AUTHORITY_LIFE * 2, Renew.NOTHING)
    assert "previous.crt" not in cluster.state.authority
