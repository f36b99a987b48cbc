from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sidecar.demo.fairness import Fairness
from sidecar.demo.report import Setting, bars, show
from sidecar.demo.summary import Added, Findings, Group, Refusal, WouldDeny

FINDINGS = Findings(
    sent=1000,
    forwarded=900,
    refusals=(Refusal(("data_stale",), 403, 100, ("data older than 30 days",)),),
    groups=(
        Group("white", 800, 0.9012, 0.8951, 0.9, 0.908, 80, (0,) * 9 + (800,)),
        Group("black", 100, 0.7012, 0.7951, 0.6, 0.675, 85, (0,) * 9 + (100,)),
    ),
    would_deny=(WouldDeny("fairness_band", "score_out_of_band", 165),),
    fairness=Fairness((), 3, 3, 0, 0.0, 1, 5, "fairness.png"),
    latency=Added(300, 0.5, 0.9, 1.25, 2.5),
    records=1900,
    example_id="0123456789abcdef0123456789abcdef",
    differences=(),
)
SETTING = Setting(
    training=994,
    held_back=995,
    area_under_roc=0.81,
    approve_from=0.75,
    engine="embedded",
    policy_revision="f00d",
    audit_dir=Path("/tmp/demo/audit"),
    sidecar_command=".venv/bin/sidecar",
    total_s=7.31,
)


def _printed(findings: Findings) -> str:
    out = io.StringIO()
    show(findings, SETTING, Console(file=out, width=110, highlight=False))
    return out.getvalue()


@pytest.mark.parametrize(
    ("counts", "drawn"),
    [
        ((), ""),
        ((0, 0), "  "),
        ((1, 1000, 500), "▁█▄"),
        (tuple(range(9)), " ▁▂▃▄▅▆▇█"),
    ],
)
def test_bars(counts: tuple[int, ...], drawn: str) -> None:
    assert bars(counts) == drawn


@pytest.mark.parametrize(
    "line",
    [
        "forwarded 200 900 calls as they should be",
        "data_stale 403 100 data older than 30 days",
        "all 1,000",
        "white 800 90.0% 90.8% 0.901 0.895 80 (10%) █",
        "black 100 60.0% 67.5% 0.701 0.795 85 (85%) █",
        "p50 0.50 ms 1.75 ms 1.25 ms",
        "p99 0.90 ms 3.40 ms 2.50 ms",
        "fairness_band is in shadow; enforced, it would have refused 165 of 900 predictions (score_out_of_band).",
        "The audit trail (1,900 records) is in /tmp/demo/audit",
        ".venv/bin/sidecar audit show 0123456789abcdef0123456789abcdef /tmp/demo/audit",
        ".venv/bin/sidecar audit replay /tmp/demo/audit",
        "Done in 7.3 s; nothing is left running.",
    ],
)
def test_the_report_says(line: str) -> None:
    # Columns are set apart by spaces, as many as the widest cell needs.
    assert line in [" ".join(each.split()) for each in _printed(FINDINGS).splitlines()]


def test_tables_fit_80_columns_uncut() -> None:
    out = io.StringIO()
    show(FINDINGS, SETTING, Console(file=out, width=80, highlight=False))
    assert "…" not in out.getvalue()


def test_agreement_is_said_only_where_there_is() -> None:
    assert "Checked: every answer is in the trail" in _printed(FINDINGS)
    disagreeing = _printed(replace(FINDINGS, differences=("3 answers [are] missing",)))
    assert "Checked" not in disagreeing
    assert "  3 answers [are] missing" in disagreeing.splitlines()
