"""What is read off shipping's files; that every reading is a registered metric is tested with the page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest

from sidecar.app.readings import policy_readings, shipping_readings
from sidecar.app.shipping import Shipping
from sidecar.model.facts import BundleFacts, Facts
from sidecar.policy.bundle_watch import BundleStatus
from sidecar.policy.generation import Generation
from sidecar.policy.policy import Policy
from sidecar.ship.cursor import Cursor, CursorFile
from sidecar.telemetry import metrics as names
from tests.unit.ship.ledgers import START_NS, WrittenLog, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sidecar.policy.port import Engine

SHIP_METRICS = [metric for metric in names.METRICS if metric.name.startswith("sidecar_ship_")]
COLLECTOR = "http://127.0.0.1:1"
"""Never called: nothing is started here."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[WrittenLog]:
    with WrittenLog(tmp_path / "audit" / "0") as written:
        yield written


@pytest.fixture
def shipping(log: WrittenLog, tmp_path: Path) -> Shipping:
    """To both destinations, and without a process."""
    return Shipping(log.layout, otlp=COLLECTOR, archive=str(tmp_path / "archive"))


def shown(shipping: Shipping) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        metric.name: {tuple(labels): value for labels, value in samples}
        for metric, samples in shipping_readings(shipping)
    }


def test_without_destinations_all_but_the_restarts_are_empty(log: WrittenLog) -> None:
    nowhere = Shipping(log.layout)
    assert [metric for metric, _ in shipping_readings(nowhere)] == SHIP_METRICS
    assert {name: samples for name, samples in shown(nowhere).items() if samples} == {
        "sidecar_ship_restarts_total": {(): 0}
    }


def test_the_lag_of_an_empty_log_is_none(shipping: Shipping) -> None:
    assert shown(shipping)["sidecar_ship_lag_records"] == {("otlp",): 0, ("archive",): 0}


def test_what_is_shown_is_true_without_a_process(log: WrittenLog, shipping: Shipping) -> None:
    size = log.write_signed(event(), event())
    done = Cursor(log.log_id, next=2, offset=1, checkpoint=size, shipped=7, rejected=2, conflicts=1)
    CursorFile(log.layout.cursors, "archive").write(done)
    shipping.restarts_total = 3
    age_s = max(time.time() - START_NS / 1e9, 0.0)
    assert shown(shipping) == {
        "sidecar_ship_lag_records": {("otlp",): 2, ("archive",): 0},
        "sidecar_ship_lag_seconds": {("otlp",): pytest.approx(age_s, abs=60), ("archive",): 0.0},
        "sidecar_ship_checkpoint_age_seconds": {("archive",): 0.0},
        "sidecar_ship_shipped_total": {("archive",): 7},
        "sidecar_ship_rejected_total": {("archive",): 2},
        "sidecar_ship_conflicts_total": {("archive",): 1},
        "sidecar_ship_restarts_total": {(): 3},
    }


def test_files_that_cannot_be_read_just_now_show_nothing(log: WrittenLog, shipping: Shipping) -> None:
    log.write_signed(event())
    log.layout.checkpoint.write_bytes(b"nonsense")
    CursorFile(log.layout.cursors, "otlp").write(Cursor(log.log_id))
    CursorFile(log.layout.cursors, "otlp").path.write_bytes(b"nonsense")
    page = shown(shipping)
    assert page.pop("sidecar_ship_restarts_total") == {(): 0}
    assert not any(page.values())


DATA = BundleFacts("d1", ("models",), 20)
REVOCATIONS = BundleFacts("v1", ("revocations/tokens", "revocations/subjects"), 31)
RULES = BundleFacts("p1", ("sidecar", "guards", "lib"))


class Source:
    """A remote engine with three bundles, one of which has a problem and one of which was rolled back."""

    kind = "opa"
    steady = True
    obstacle = None
    problems = ("bundle data: connection refused",)
    restarts = 0
    bundles = (
        BundleStatus("data", DATA, 20, 30.5, "connection refused", rolled_back=False),
        BundleStatus("policy", RULES, 7, None, None, rolled_back=True),
        BundleStatus("revocations", REVOCATIONS, 31, float("inf"), None, rolled_back=False),
    )

    def __init__(self) -> None:
        told = {"revocations": REVOCATIONS, "policy": RULES, "data": DATA}
        self.generation = Generation(cast("Engine", None), Facts("d1+p1+v1", {}, bundles=told), 7.0)

    def age_s(self) -> float | None:
        return 30.5

    async def refresh(self) -> None:
        raise AssertionError

    start = aclose = refresh


def bundle_readings(source: Source) -> dict[str, dict[tuple[str, ...], float]]:
    policy = Policy(source, mode="enforce", max_age_s=None)
    return {
        metric.name.removeprefix("sidecar_"): {tuple(labels): value for labels, value in samples}
        for metric, samples in policy_readings(policy)
        if metric.name.startswith("sidecar_bundle") or metric is names.POLICY_INFO
    }


def test_bundles_are_told_by_name_and_only_what_a_rollout_changes_by_revision() -> None:
    assert bundle_readings(Source()) == {
        "policy_info": {("opa", "d1+p1"): 1.0},
        "bundle_info": {("data", "d1"): 1.0, ("policy", "p1"): 1.0, ("revocations", ""): 1.0},
        "bundle_sequence": {("data",): 20, ("revocations",): 31},
        "bundle_age_seconds": {("data",): 30.5, ("revocations",): float("inf")},
        "bundle_problem": {("data",): 1, ("policy",): 0, ("revocations",): 0},
        "bundle_rolled_back": {("data",): 0, ("policy",): 1, ("revocations",): 0},
    }
