from __future__ import annotations

import orjson

from sidecar.app.window_readings import window_readings, window_status
from sidecar.fairness.throttle import Armed
from sidecar.fairness.window import GroupStatus, SpanStatus, StoreStatus, TestStatus, WatchStatus

ARMED = Armed("credit", "2", rate_per_s=1.0, hold_s=60.0, until_unix_s=1_795_300_060.0, number=1)
KNOWN = GroupStatus("a", 40, 4, 0.75, 0.5, 0.4, 0.6, 0.1)
SCARCE = GroupStatus("b", 3, 0, None, None, None, None, None)
TESTED = TestStatus(
    limit=1.5, epoch=20_000, wealth=25.0, certain=False, warned=True, lower=1.2, favoured="a", disfavoured="b"
)


def seen(test: TestStatus | None, lag_s: float | None = None) -> StoreStatus:
    span = SpanStatus(900, 1.4, 1.2, 1.7, "a", "b", (KNOWN, SCARCE))
    watch = WatchStatus("credit", "2", "ok", (span,), test, ARMED, buckets=7)
    return StoreStatus("memory", (watch,), {"duplicate": 2}, 5, (ARMED,), lag_s)


def shown(status: StoreStatus) -> dict[str, dict[tuple[str, ...], float]]:
    """By metric and label values, what there is to show."""
    return {
        metric.name: {tuple(labels): value for labels, value in samples}
        for metric, samples in window_readings(status)
        if samples
    }


def test_what_is_unknown_is_not_shown_as_a_number() -> None:
    place = ("credit", "2")
    assert shown(seen(TESTED, lag_s=0.4)) == {
        "sidecar_window_predictions": {
            (*place, "a", "900", "released"): 36,
            (*place, "a", "900", "refused"): 4,
            (*place, "b", "900", "released"): 3,
            (*place, "b", "900", "refused"): 0,
        },
        "sidecar_window_positive_rate": {(*place, "a", "900"): 0.75},
        "sidecar_window_mean_score": {(*place, "a", "900"): 0.5},
        "sidecar_disparate_impact_ratio": {(*place, "900"): 1.4},
        "sidecar_disparate_impact_lower_bound": {place: 1.2},
        "sidecar_disparate_impact_limit": {place: 1.5},
        "sidecar_disparate_impact_exceeded": {(*place, "warned"): 1.0, (*place, "certain"): 0.0},
        "sidecar_throttle_armed": {place: 1.0},
        "sidecar_window_watches": {(): 1},
        "sidecar_window_buckets": {(): 7},
        "sidecar_window_ignored_total": {("duplicate",): 2},
        "sidecar_window_unknown_group_instances_total": {(): 5},
        "sidecar_window_store_lag_seconds": {(): 0.4},
    }


def test_without_a_test_or_a_shared_store_nothing_is_said_of_them() -> None:
    names = set(shown(seen(None)))
    assert not any("disparate_impact" in name for name in names - {"sidecar_disparate_impact_ratio"})
    assert "sidecar_window_store_lag_seconds" not in names


def test_the_status_page_has_it_all_as_json() -> None:
    page = orjson.loads(orjson.dumps(window_status(seen(TESTED))))
    assert page["watches"][0]["test"]["wealth"] == 25.0
    assert page["armed"][0]["until_unix_s"] == ARMED.until_unix_s
