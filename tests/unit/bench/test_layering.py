from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.layering.disturbing import Disturbed, Recorded, of_turns, recorded
from bench.layering.enduring import Endured
from bench.layering.layers import LAYERS, SIZED, SIZES, Layer, body, write_body
from bench.layering.measuring import Sample
from bench.layering.report import Report, as_json, draw, markdown
from bench.machine import Machine
from bench.open_loop.calls import UNKNOWN_DATA

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = Machine("a processor", 2, "6.1", "3.12.1", "ext4", 170.0, 0.2)


def intent(decision_id: str, data_version: str = "loans-1", *, allow: bool = True) -> dict[str, Any]:
    attributes = {"data_version": {"value": data_version}}
    decision = {"allow": allow}
    return {"kind": "INTENT", "decision_id": decision_id, "decision": decision, "input": {"attributes": attributes}}


def released(decision_id: str, *, allow: bool = True, result: str = "released") -> dict[str, Any]:
    return {"kind": "OUTCOME", "decision_id": decision_id, "result": result, "decision": {"allow": allow}}


@pytest.mark.parametrize("size", SIZES)
def test_a_body_is_of_about_its_size(size: int) -> None:
    found = body(size)
    tensor = json.loads(found)["inputs"][0]
    assert size * 0.8 <= len(found) <= size
    assert tensor["shape"] == [1, len(tensor["data"])]


def test_each_layer_adds_to_the_data_only_modes(tmp_path: Path) -> None:
    plain = Layer("plain").data()
    for layer in (*LAYERS.values(), *SIZED.values()):
        data = layer.data()
        assert data["models"]["credit"]["rules"] == plain["models"]["credit"]["rules"] | dict(layer.rules)
    assert LAYERS["pass-through"].asked() == ("GET", "/v2/models/credit")
    assert write_body(tmp_path, LAYERS["pass-through"]).read_bytes() == b""


def test_predictions_that_the_log_does_not_allow_are_wrong() -> None:
    records = [
        *(intent("good"), released("good")),
        *(intent("unknown", UNKNOWN_DATA), released("unknown")),
        *(intent("denied", allow=False), released("denied")),
        *(intent("response"), released("response", allow=False)),
        *(intent("failed"), released("failed", result="failed")),
        released("never asked"),
        {"kind": "REFUSAL", "decision_id": "refused"},
    ]
    assert recorded(records) == Recorded(allowed=1, wrong=4)


def test_turns_count_together_and_their_times_are_medians() -> None:
    runs = [
        Disturbed("OPA killed", "opa", 100, 1.0, 90.0, 95.0, 7, 0),
        Disturbed("OPA killed", "opa", 100, 2.0, 10.0, 20.0, 0, 1),
        Disturbed("OPA killed", "opa", 99, 4.0, 30.0, 40.0, 1, 0),
    ]
    assert of_turns(runs) == Disturbed("OPA killed", "opa", 299, 2.0, 30.0, 95.0, 8, 1)


def test_the_report_has_starts_and_memory() -> None:
    endured = Endured([0.62, 0.5, 0.55], [70.0, 80.25, 80.5], 120_000, 3)
    text = markdown(Report("bench/layers", MACHINE, [], [], [], 300, endured))
    assert "Seconds from start to ready: 0.50, 0.55, 0.62." in text
    assert "after each minute: 70.0, 80.2, 80.5. 120,000 calls, 3 of them without a prediction." in text


def test_the_report_has_the_latency_that_each_layer_adds(tmp_path: Path) -> None:
    samples = [
        Sample("direct", 1, 9_000, 0.1, 0.2, {}, {}, 0),
        Sample("both", 1, 1_000, 0.9, 2.0, {"sidecar": 400.0}, {"sidecar": 70.0}, 0),
    ]
    calm = Disturbed("undisturbed", "embedded", 100, 1.0, 10.0, 20.0, 0, 0)
    reloaded = Disturbed("policy reloaded", "embedded", 100, 1.0, 19.0, 30.0, 0, 0)
    report = Report("bench/layers", MACHINE, samples, [], [calm, reloaded], 300)
    text = markdown(report)
    assert "| both | + rules of the response | 1 | 1,000 | 0.90 | 0.80 | 2.00 | 400 | sidecar 400 | 70.0 | 0 |" in text
    assert "| policy reloaded | embedded | 100 | 1.00 | 19.0 | 1.90 | reached | 30.0 | 0 | 0 |" in text
    assert "## Bodies" not in text
    assert json.loads(as_json(report))["disturbed"][1]["p99_ms"] == 19.0
    draw(report, tmp_path / "layers.svg")
    assert (tmp_path / "layers.svg").read_bytes().startswith(b"<?xml")
