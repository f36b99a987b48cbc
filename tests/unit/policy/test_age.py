from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from sidecar.policy.age import BundleAges
from sidecar.policy.port import UNDEFINED
from sidecar.policy.problems import PolicyProblems

NEVER = "0001-01-01T00:00:00Z"


def at(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "899Z"


def bundle(requested_s: float, *, activated_s: float = 500.0, **fields: object) -> dict[str, object]:
    return {
        "active_revision": "r1",
        "last_successful_activation": at(activated_s),
        "last_successful_request": at(requested_s),
        **fields,
    }


def ages(*statuses: dict[str, object], now_s: float = 1000.0) -> float | None:
    watched = BundleAges()
    for bundles in statuses:
        watched.observe({"bundles": bundles}, now_s)
    return watched.age_s(now_s)


def test_before_the_first_status_nothing_is_fresh() -> None:
    assert BundleAges().age_s(1000.0) == math.inf


def test_bundles_from_disk_are_not_in_the_status_and_have_no_age() -> None:
    assert ages({}) is None
    watched = BundleAges()
    watched.observe({"labels": {"id": "x"}}, 1000.0)
    assert watched.age_s(2000.0) is None


def test_the_oldest_bundle_counts() -> None:
    assert ages({"rules": bundle(990.0), "revocations": bundle(900.0)}) == pytest.approx(100.0, abs=0.01)


def test_the_age_grows_by_itself() -> None:
    watched = BundleAges()
    watched.observe({"bundles": {"rules": bundle(990.0)}}, 1000.0)
    assert watched.age_s(1500.0) == pytest.approx(510.0, abs=0.01)


def test_a_bundle_with_an_error_does_not_refresh() -> None:
    broken = bundle(990.0, activated_s=600.0, code="bundle_error", message="no")
    assert ages({"rules": bundle(950.0)}, {"rules": broken}) == pytest.approx(50.0, abs=0.01)


def test_one_never_seen_without_error_is_as_old_as_its_activation() -> None:
    broken = bundle(990.0, activated_s=600.0, code="bundle_error")
    assert ages({"rules": broken}) == pytest.approx(400.0, abs=0.01)


@pytest.mark.parametrize("broken", [{"last_successful_activation": NEVER, "code": "bundle_error"}, {}, None, 1])
def test_one_never_activated_is_infinitely_old(broken: object) -> None:
    assert ages({"rules": bundle(990.0), "revocations": broken}) == math.inf


@pytest.mark.parametrize("time", [None, 5, "yesterday", NEVER])
def test_an_unreadable_time_is_no_confirmation(time: object) -> None:
    age_s = ages({"rules": bundle(990.0) | {"last_successful_request": time}})
    assert age_s is not None
    assert age_s > 1e9


def test_a_clock_ahead_of_ours_buys_nothing() -> None:
    watched = BundleAges()
    watched.observe({"bundles": {"rules": bundle(99_000.0)}}, 1000.0)
    assert watched.age_s(1500.0) == pytest.approx(500.0)


@pytest.mark.parametrize("status", [UNDEFINED, None, [], {"bundles": []}, {"bundles": 1}])
def test_an_unreadable_status_is_told_and_changes_nothing(status: object) -> None:
    watched = BundleAges()
    watched.observe({"bundles": {"rules": bundle(990.0)}}, 1000.0)
    with pytest.raises(PolicyProblems):
        watched.observe(status, 1100.0)
    assert watched.age_s(1100.0) == pytest.approx(110.0, abs=0.01)
