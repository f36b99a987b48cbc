from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from sidecar.admin.meters import AUTHORED_REASONS_LIMIT, Meters
from sidecar.app.readings import (
    audit_readings,
    body_readings,
    connection_readings,
    consent_readings,
    exposure_readings,
    policy_readings,
    shipping_readings,
)
from sidecar.app.self_check import SelfCheck
from sidecar.app.shipping import Shipping
from sidecar.app.window_readings import window_readings
from sidecar.audit.records import Result
from sidecar.consent.verify import ConsentOff
from sidecar.ledger.layout import Layout
from sidecar.model.reasons import Reason
from sidecar.model.refusal import refused
from sidecar.proxy.front import Front
from sidecar.proxy.incoming import HttpLimits
from sidecar.telemetry import metrics as names
from tests.lab import DATA, infer, lab, v2_answer

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.admin.meters import Reading
    from tests.lab import Lab

pytestmark = pytest.mark.anyio


def page_of(meters: Meters) -> str:
    page, media_type = meters.render("")
    assert media_type.startswith("text/plain; version=0.0.4;")
    return page.decode()


def samples(meters: Meters) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Metric family to labels to value, of a page; histograms by their count."""
    page: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(page_of(meters)):
        page[family.name] = {
            tuple(sorted(sample.labels.items())): sample.value
            for sample in family.samples
            if not sample.name.endswith(("_bucket", "_sum"))
        }
    return page


async def test_the_page_has_exactly_the_registered_metrics(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        meters = Meters("mlserver")
        meters.watch(lambda: policy_readings(it.policy))
        meters.watch(lambda: window_readings(it.window.status()))
        meters.watch(lambda: audit_readings(it.trail, it.log))
        meters.watch(lambda: shipping_readings(Shipping(Layout(it.audit_dir / "0"))))
        meters.watch(lambda: body_readings(Front(it.exchange, HttpLimits())))
        meters.watch(lambda: exposure_readings(SelfCheck()))
        meters.watch(lambda: connection_readings(lambda: 3))
        meters.watch(lambda: consent_readings(ConsentOff()))
        shown = set(samples(meters))
    assert shown == {metric.name.removesuffix("_total") for metric in names.METRICS}


async def test_an_openmetrics_page_has_the_trace_of_an_exchange_as_exemplar(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        meters = Meters("mlserver")
        await watched(it, meters)
        await it.call(infer(traceparent=f"00-{'ab' * 16}-{'cd' * 8}-00"))
        page, media_type = meters.render("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text;")
    (family,) = (f for f in openmetrics_families(page.decode()) if f.name == "sidecar_exchange_duration_seconds")
    exemplars = [sample.exemplar.labels for sample in family.samples if sample.exemplar]
    assert exemplars == [{"trace_id": "ab" * 16}]


async def watched(it: Lab, meters: Meters) -> None:
    meters.bound_by(lambda: it.policy.facts)
    object.__setattr__(it.exchange, "observer", meters)


async def test_an_exchange_is_counted_by_how_it_ended(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        meters = Meters("mlserver")
        await watched(it, meters)
        await it.call(infer())
        await it.call(infer(x_data_version="stale"))
        await it.call(infer(path="/nowhere"))
        page = samples(meters)
    base = {"server": "mlserver", "mode": "enforce"}
    infers = {"endpoint": "infer", "model": "credit", **base}
    assert page["sidecar_exchanges"] == {
        key({**infers, "result": "released", "status": "200"}): 1,
        key({**infers, "result": "refused", "status": "403"}): 1,
        key({**base, "endpoint": "unknown", "model": "other", "result": "refused", "status": "404"}): 1,
    }
    assert page["sidecar_refusals"] == {
        key({"reason": "data_stale", "model": "credit"}): 1,
        key({"reason": "endpoint_unknown", "model": "other"}): 1,
    }
    assert page["sidecar_exchange_duration_seconds"][key({"endpoint": "infer"})] == 2


async def test_would_denies_are_counted_by_rule(tmp_path: Path) -> None:
    async with lab(tmp_path, mode="shadow") as it:
        meters = Meters("mlserver")
        await watched(it, meters)
        await it.call(infer(x_data_version="stale"))
        await it.call(infer(body=b"{"))
        page = samples(meters)
    assert page["sidecar_would_deny"] == {
        key({"reason": "data_stale", "rule": "staleness", "model": "credit"}): 1,
        key({"reason": "body_malformed", "rule": "sidecar", "model": "credit"}): 1,
    }


def flagging(**model: object) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(DATA)
    changed["models"]["credit"] |= model
    return changed


async def test_flags_for_review_are_counted_by_rule(tmp_path: Path) -> None:
    async with lab(tmp_path, data=flagging(mitigation={"fairness_band": {"action": "flag_review"}})) as it:
        meters = Meters("mlserver")
        await watched(it, meters)
        it.upstream.answer = v2_answer(0.9)
        assert (await it.call(infer()))[0] == 200
        await it.call(infer(x_data_version="stale"))
        page = samples(meters)
    assert page["sidecar_flagged"] == {key({"rule": "fairness_band", "model": "credit"}): 1}


async def test_explanations_are_counted_by_what_became_of_them(tmp_path: Path) -> None:
    facts = {"explain": {"timeout_ms": 250}, "rules": {"explanation": "shadow"}}
    async with lab(tmp_path, data=flagging(**facts), server_kind="torchserve") as it:
        meters = Meters("torchserve")
        await watched(it, meters)
        it.upstream.answer = v2_answer()
        await it.call(infer())
        it.upstream.explanation = refused("upstream_timeout", "x")
        await it.call(infer())
        page = samples(meters)
    assert page["sidecar_explanations"] == {
        key({"model": "credit", "outcome": "explained"}): 1,
        key({"model": "credit", "outcome": "upstream_timeout"}): 1,
    }
    assert page["sidecar_stage_duration_seconds"][key({"stage": "explain"})] == 2


async def test_labels_are_bounded_whatever_a_policy_or_client_invents(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        meters = Meters("mlserver")
        meters.bound_by(lambda: it.policy.facts)
        await it.call(infer(path="/v2/models/invented/infer"))
        case, _ = it.observer.finished_cases[0]
        case.result = Result.REFUSED
        invented = AUTHORED_REASONS_LIMIT + 50
        for index in range(invented):
            case.reasons = (Reason(f"invented_{index}", "x", rule=f"rule_{index}"),)
            case.would_deny = list(case.reasons)
            meters.finished(case, 403)
        page = samples(meters)
    assert len(page["sidecar_refusals"]) == AUTHORED_REASONS_LIMIT + 1
    assert page["sidecar_refusals"][key({"reason": "other", "model": "other"})] == 50
    assert {dict(labels)["rule"] for labels in page["sidecar_would_deny"]} == {"other"}


def test_readings_are_read_anew_for_each_page() -> None:
    meters = Meters("mlserver")
    counts = iter([1.0, 2.0])

    def read() -> list[Reading]:
        return [(names.CONNECTIONS, [([], next(counts))])]

    meters.watch(read)
    assert [samples(meters)["sidecar_connections"][()] for _ in range(2)] == [1.0, 2.0]


def key(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))
