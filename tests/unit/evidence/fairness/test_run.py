"""A log through the window: what is counted, and each moment in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.audit.port import Kind
from sidecar.evidence.fairness.course import What
from sidecar.evidence.fairness.facts import facts_of
from sidecar.evidence.fairness.run import fairness_report
from sidecar.evidence.replay import Span
from sidecar.fairness.throttle import Armed, Released
from sidecar.fairness.window import WindowTerms
from tests.unit.evidence.fairness.predicted import BEGINS_UNIX_S, Predicted

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.evidence.fairness.report import ModelReport, Report
    from sidecar.evidence.folders import LogFolder

TERMS = WindowTerms()


def _report(logs: list[LogFolder], **options: object) -> Report:
    return fairness_report(logs, facts_of(None, logs), **{"terms": TERMS, **options})  # type: ignore[arg-type]


def _counts(model: ModelReport) -> dict[str, tuple[int, int, float | None]]:
    return {row.group: (row.n, row.refused, row.positive_rate) for row in model.groups}


@pytest.fixture
def log(tmp_path: Path) -> Predicted:
    found = Predicted(tmp_path)
    found.keep_policy()
    return found


def test_instances_are_counted_by_group_refused_ones_too(log: Predicted) -> None:
    log.exchange("aab", [0])
    log.exchange("b", [0], result="refused")
    log.exchange("z", [])
    log.write(Kind.REFUSAL, "f" * 32, status=403)
    found = _report(log.close())
    (model,) = found.models
    assert (model.model, model.version, model.predictions, model.state) == ("credit", None, 5, "insufficient_data")
    assert _counts(model) == {"a": (2, 0, 0.5), "b": (2, 1, 0.5), "unknown": (1, 0, 0.0)}
    assert (model.first_unix_s, model.last_unix_s) == (BEGINS_UNIX_S + 1, pytest.approx(BEGINS_UNIX_S + 3, abs=0.1))
    assert (found.records, found.unreadable, found.left_out) == (7, 0, 0)


def test_a_disparity_builds_up_until_it_is_certain(log: Predicted) -> None:
    log.stream(800)
    (model,) = _report(log.close()).models
    assert [moment.what for moment in model.moments] == [What.WARNED, What.CERTAIN]
    warned, certain = model.moments
    assert 25 < warned.predictions < certain.predictions < 800
    assert certain.unix_s == pytest.approx(BEGINS_UNIX_S + certain.predictions + TERMS.settle_s, abs=3)
    assert model.last is not None
    assert model.last.predictions == 800
    assert model.last.ratio == pytest.approx(4.0, rel=0.1)
    assert 1.5 <= (model.proven or 0) <= 2.5
    assert model.points[0].ratio is None


def test_a_ratio_within_the_limit_is_never_certain(log: Predicted) -> None:
    log.stream(800, favoured=0.6, other=0.48)
    (model,) = _report(log.close()).models
    assert (model.moments, model.state) == ((), "ok")


def test_after_a_throttle_a_fresh_test_begins(log: Predicted) -> None:
    log.stream(400)
    until_unix_s = log.clock.unix_s() + 60
    log.event(Armed("credit", None, 1.0, 60.0, until_unix_s, 1))
    log.stream(60)
    log.event(Released("credit", None, 1, until_unix_s))
    log.stream(400)
    (model,) = _report(log.close()).models
    moments = [moment.what for moment in model.moments]
    assert moments == [What.WARNED, What.CERTAIN, What.ARMED, What.RELEASED, What.WARNED, What.CERTAIN]
    armed, released = model.moments[2:4]
    assert (armed.predictions, released.predictions) == (400, 460)
    assert {point.lower for point in model.points if armed.predictions < point.predictions < 460} == {None}


def test_epochs_begin_at_their_time_with_a_fresh_test(log: Predicted) -> None:
    log.stream(300)
    log.clock.advance(5_600)
    log.stream(300)
    (model,) = _report(log.close()).models
    (epoch,) = [moment for moment in model.moments if moment.what is What.EPOCH]
    assert (epoch.predictions, epoch.unix_s % 86_400) == (300, 0)
    assert [moment.what for moment in model.moments].count(What.CERTAIN) == 2


def test_several_logs_count_as_one(tmp_path: Path) -> None:
    """Each alone has nothing to compare: one group went to one replica, the other one to another."""
    one, other = Predicted(tmp_path, "one"), Predicted(tmp_path, "other")
    one.keep_policy()
    for number in range(300):
        one.exchange("a", [0] if number % 5 else [])
        other.exchange("b", [] if number % 5 else [0])
    logs = [*one.close(), *other.close()]
    (alone,), (both,) = _report(logs[:1]).models, _report(logs).models
    assert (alone.measures[0].value, alone.moments) == (None, ())
    assert _counts(both) == {"a": (300, 0, 0.8), "b": (300, 0, 0.2)}
    assert both.measures[0].value == pytest.approx(4.0, rel=0.1)
    assert What.CERTAIN in [moment.what for moment in both.moments]
    assert list(both.points) == sorted(both.points, key=lambda point: (point.predictions, point.unix_s))


def test_models_and_versions_are_told_apart_and_one_can_be_asked_for(log: Predicted) -> None:
    for model, version in (("credit", "2"), ("credit", None), ("other", "1"), ("credit", "2")):
        log.exchange("a", [0], model=model, version=version)
    logs = log.close()
    found = [(model.model, model.version, model.predictions) for model in _report(logs).models]
    assert found == [("credit", None, 1), ("credit", "2", 2), ("other", "1", 1)]
    assert [model.model for model in _report(logs, model="other").models] == ["other"]
    few = _report(logs, terms=WindowTerms(watches_limit=1))
    assert ([model.version for model in few.models], few.left_out) == (["2"], 2)


def test_a_span_of_time_can_be_asked_for(log: Predicted) -> None:
    log.stream(10)
    middle_ns = int((BEGINS_UNIX_S + 5.5) * 1e9)
    logs = log.close()
    (before,), (after,) = (
        _report(logs, span=Span(None, middle_ns)).models,
        _report(logs, span=Span(middle_ns, None)).models,
    )
    assert (before.predictions, after.predictions) == (5, 5)


def test_true_outcomes_give_the_metrics_that_need_them(log: Predicted) -> None:
    labels = {(log.exchange("aabb", [0, 2]), index): label for index, label in enumerate([True, False, True, True])}
    logs = log.close()
    (model,) = _report(logs, labels=labels | {("0" * 32, 0): True}).models
    found = {measure.name: (measure.value, measure.detail) for measure in model.measures}
    assert model.labelled == 4
    assert found["equal opportunity difference"] == (0.5, "a over b")
    assert found["equalized odds difference"] == (0.5, "a over b")
    assert "equal opportunity difference" not in {measure.name for measure in _report(logs).models[0].measures}


def test_a_model_without_a_prediction_is_left_out(log: Predicted) -> None:
    log.event(Armed("credit", "7", 1.0, 60.0, log.clock.unix_s() + 60, 1))
    assert _report(log.close()).models == ()


def test_what_this_version_cannot_read_is_counted(log: Predicted) -> None:
    log.write(Kind.EVENT, None, event="throttle_armed", details={"model": "credit"})
    log.exchange("a", [0])
    found = _report(log.close())
    assert (found.unreadable, found.models[0].predictions) == (1, 1)


def test_progress_is_told(log: Predicted) -> None:
    log.stream(600)
    told: list[int] = []
    _report(log.close(), advance=told.append)
    assert told == [1_000]
