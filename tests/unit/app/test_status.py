from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from sidecar.app.readiness import Readiness
from sidecar.app.self_check import SelfCheck
from sidecar.app.status import bundles, models, status
from sidecar.app.windows import Windows
from sidecar.model.facts import BundleFacts
from sidecar.policy.bundle_watch import BundleStatus
from sidecar.settings import load
from tests.lab import DATA, infer, lab

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_each_models_rules_are_shown_with_their_modes(tmp_path: Path) -> None:
    data = copy.deepcopy(DATA)
    data["models"]["credit"]["rules"] = {"fairness_band": "shadow", "consent": "off", "credit_scoring": "enforce"}
    async with lab(tmp_path, data=data) as it:
        assert models(it.policy.facts) == {
            "credit": {
                "risk_tier": "high",
                "rules": {
                    "provenance": "enforce",
                    "staleness": "enforce",
                    "consent": "off",
                    "fairness_band": "shadow",
                    "group_mean_band": "enforce",
                    "disparate_impact": "enforce",
                    "explanation": "enforce",
                    "credit_scoring": "enforce",
                },
            }
        }


async def test_the_page_tells_policy_audit_and_readiness(tmp_path: Path) -> None:
    settings = load(
        {"upstream": "http://127.0.0.1:1", "server": "mlserver", "consent": "off", "audit_dir": tmp_path / "audit"}
    )
    async with lab(tmp_path) as it:
        await it.call(infer())
        windows = Windows(settings, it.clock)
        await windows.rebuild(it.policy.snapshot())
        page = status(settings, Readiness(it.policy, windows, it.trail, SelfCheck(), is_writable=True), it.log)
    assert (page["ready"], page["mode"], page["server"]) == (True, "enforce", "mlserver")
    assert page["bundles"] == {}
    assert page["self_check"] == {"mode": "off", "host": None, "exposed_ports": []}
    assert page["audit"] == {
        "dir": str(tmp_path / "audit"),
        "broken": None,
        "records": {"INTENT": 1, "OUTCOME": 1, "REFUSAL": 0, "REFUSAL_SUMMARY": 0, "EVENT": 0},
        "open": 0,
        "log": it.log.log_id,
        "size": 2,
        "unsigned": 2,
        "problem": None,
    }


def test_before_the_first_activation_there_are_no_models() -> None:
    assert models(None) == {}


def test_each_bundle_is_shown_as_the_engine_has_it() -> None:
    facts = BundleFacts("d1", ("models", "datasets"), 19, 7.5)
    assert bundles([BundleStatus("data", facts, 20, 30.5, "connection refused", rolled_back=True)]) == {
        "data": {
            "revision": "d1",
            "roots": ("models", "datasets"),
            "sequence": 19,
            "created_unix_s": 7.5,
            "highest_sequence": 20,
            "age_s": 30.5,
            "problem": "connection refused",
            "rolled_back": True,
        }
    }
