from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from sidecar.model.facts import BundleFacts
from sidecar.policy.age import PROBLEM_LIMIT_CHARS, BundleAges, Confirmed
from sidecar.policy.port import UNDEFINED
from sidecar.policy.problems import PolicyProblems

NEVER = "0001-01-01T00:00:00Z"


def at(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "899Z"


def bundle(requested_s: float, *, activated_s: float = 500.0, **fields: object) -> dict[str, object]:
    return {
        "active_revision": "r1",
        "last_successful_activation": at(activated_s),
        "last_successful_download": at(activated_s - 1),
        "last_successful_request": at(requested_s),
        **fields,
    }


def from_disk(**fields: object) -> dict[str, object]:
    """Of an OPA that has just started, and has not asked for its bundle yet."""
    never = {"last_successful_download": NEVER, "last_successful_request": NEVER}
    return {"active_revision": "r1", "last_successful_activation": at(999.0), **never, **fields}


FAILED = {"code": "bundle_error", "message": "request failed: connection refused"}


def ages(
    *statuses: dict[str, object],
    now_s: float = 1000.0,
    known: dict[str, Confirmed] | None = None,
    bundles: dict[str, BundleFacts] | None = None,
) -> float | None:
    watched = BundleAges(known)
    for status in statuses:
        watched.observe({"bundles": status}, bundles or {}, now_s)
    return watched.age_s(now_s)


def test_before_the_first_status_nothing_is_fresh() -> None:
    assert BundleAges().age_s(1000.0) == math.inf


def test_bundles_from_disk_are_not_in_the_status_and_have_no_age() -> None:
    assert ages({}) is None
    watched = BundleAges()
    watched.observe({"labels": {"id": "x"}}, {"rules": BundleFacts("r1")}, 1000.0)
    assert watched.age_s(2000.0) is None


def test_the_oldest_bundle_counts() -> None:
    assert ages({"rules": bundle(990.0), "revocations": bundle(900.0)}) == pytest.approx(100.0, abs=0.01)


def test_the_age_grows_by_itself() -> None:
    watched = BundleAges()
    watched.observe({"bundles": {"rules": bundle(990.0)}}, {}, 1000.0)
    assert watched.age_s(1500.0) == pytest.approx(510.0, abs=0.01)


def test_a_bundle_with_an_error_does_not_refresh() -> None:
    assert ages({"rules": bundle(950.0)}, {"rules": bundle(990.0, **FAILED)}) == pytest.approx(50.0, abs=0.01)


def test_one_never_seen_without_error_is_as_old_as_its_download() -> None:
    assert ages({"rules": bundle(990.0, activated_s=600.0, **FAILED)}) == pytest.approx(401.0, abs=0.01)


def test_a_download_that_could_not_be_activated_confirms_nothing() -> None:
    """What is active may have come from OPA's disk."""
    failed = bundle(990.0, activated_s=600.0, last_successful_download=at(990.0), **FAILED)
    assert ages({"rules": failed}) == math.inf
    assert ages({"rules": bundle(950.0)}, {"rules": failed}) == pytest.approx(50.0, abs=0.01)


@pytest.mark.parametrize("failed", [{}, FAILED])
def test_a_bundle_from_opas_disk_is_as_old_as_it_was(failed: dict[str, object]) -> None:
    status = {"rules": from_disk(**failed)}
    assert ages(status) == math.inf
    assert ages({"rules": bundle(700.0)}, status) == pytest.approx(300.0, abs=0.01)
    assert ages(status, known={"rules": Confirmed("r1", 400.0)}) == 600.0
    made = {"rules": BundleFacts("r1", created_unix_s=100.0)}
    assert ages(status, bundles=made) == 900.0
    assert ages(status, known={"rules": Confirmed("r1", 400.0)}, bundles=made) == 600.0


def test_what_was_known_of_another_revision_says_nothing() -> None:
    known = {"rules": Confirmed("r0", 900.0)}
    assert ages({"rules": from_disk()}, known=known) == math.inf
    assert (
        ages({"rules": from_disk()}, known=known, bundles={"rules": BundleFacts("r0", created_unix_s=5.0)}) == math.inf
    )
    assert ages({"rules": from_disk()}, known=known, bundles={"rules": BundleFacts("r1", created_unix_s=5.0)}) == 995.0


def test_made_in_the_future_it_ages_all_the_same() -> None:
    watched = BundleAges()
    for now_s in (1000.0, 1300.0):
        watched.observe({"bundles": {"rules": from_disk()}}, {"rules": BundleFacts("r1", created_unix_s=2e9)}, now_s)
    assert watched.age_s(1300.0) == 300.0


def test_what_was_known_holds_while_opa_tells_nothing_yet() -> None:
    """A restarted OPA has no status of a bundle before its first attempt to get it."""
    known, bundles = {"rules": Confirmed("r1", 400.0)}, {"rules": BundleFacts("r1")}
    assert ages({}, known=known, bundles=bundles) == 600.0
    assert ages({}, known=known) is None


def test_what_is_known_is_of_all_bundles_ever_confirmed() -> None:
    watched = BundleAges({"gone": Confirmed("g1", 5.0), "rules": Confirmed("r0", 6.0)})
    status = {"rules": bundle(950.0), "data": bundle(990.0, last_successful_activation=NEVER)}
    watched.observe({"bundles": status}, {}, 1000.0)
    assert watched.known == {"gone": Confirmed("g1", 5.0), "rules": Confirmed("r1", pytest.approx(950.0, abs=0.01))}
    assert watched.ages_s(1000.0) == {"rules": pytest.approx(50.0, abs=0.01), "data": math.inf}


def test_what_is_wrong_with_a_bundle() -> None:
    watched = BundleAges()
    broken = {"code": "bundle_error", "message": "error(s) occurred", "errors": [{"message": "a"}, "b", None]}
    status = {
        "rules": bundle(950.0, **broken),
        "data": bundle(950.0),
        "long": bundle(950.0, **FAILED, errors=["x" * 999]),
    }
    watched.observe({"bundles": status}, {}, 1000.0)
    long = watched.problems["long"]
    assert watched.problems == {"rules": "error(s) occurred; a; b; None", "long": long}
    assert len(long) == PROBLEM_LIMIT_CHARS
    watched.observe({"bundles": {"rules": bundle(990.0)}}, {}, 1000.0)
    assert watched.problems == {}


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
    watched.observe({"bundles": {"rules": bundle(99_000.0)}}, {}, 1000.0)
    assert watched.age_s(1500.0) == pytest.approx(500.0)


@pytest.mark.parametrize("status", [UNDEFINED, None, [], {"bundles": []}, {"bundles": 1}])
def test_an_unreadable_status_is_told_and_changes_nothing(status: object) -> None:
    watched = BundleAges()
    watched.observe({"bundles": {"rules": bundle(990.0)}}, {}, 1000.0)
    with pytest.raises(PolicyProblems):
        watched.observe(status, {}, 1100.0)
    assert watched.age_s(1100.0) == pytest.approx(110.0, abs=0.01)
