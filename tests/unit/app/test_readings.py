"""What is read off shipping's files; that every reading is a registered metric is tested with the page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from sidecar.app.readings import shipping_readings
from sidecar.app.shipping import Shipping
from sidecar.ship.cursor import Cursor, CursorFile
from sidecar.telemetry import metrics as names
from tests.unit.ship.ledgers import START_NS, WrittenLog, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

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
