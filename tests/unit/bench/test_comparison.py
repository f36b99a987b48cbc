from __future__ import annotations

import json
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest

from bench.comparison.goals import ENVOY, GOALS, Goal, Ratio, ratios
from bench.comparison.ours import Lookups
from bench.comparison.peer_policy import write_bundle, write_policy
from bench.comparison.report import as_json, draw, markdown
from bench.comparison.samples import Cell, Measured, Sample, Steady
from bench.comparison.stacks import OURS, PEERS, STACKS
from bench.machine import Machine
from bench.tokens import Tokens
from sidecar.policy.child import find_opa

if TYPE_CHECKING:
    from pathlib import Path

CELL = Cell("returning", 16)
MACHINE = Machine("a processor", 2, "6.1", "3.12.1", "ext4", 170.0, 0.2)


def sample(stack: str, requests_per_s: float, cpu_us: float, cell: Cell = CELL) -> Sample:
    return Sample(stack, cell, requests_per_s, 1.0, 2.0, {"one": cpu_us, "two": 0.0}, {"one": 50.0})


def verdict_of(throughput: float, cpu: float) -> str:
    goal = Goal("embedded", ("returning",), ENVOY, 1.2, 2.0, 0.5, 0.3)
    return Ratio(goal, CELL, "envoy-jwt", throughput, cpu).verdict


@pytest.mark.parametrize(
    ("throughput", "cpu", "verdict"),
    [(1.19, 0.1, "missed"), (1.2, 0.5, "reached"), (5, 0.51, "missed"), (1.9, 0.2, "reached"), (2, 0.3, "stretch")],
)
def test_a_goal_is_met_in_throughput_and_in_cpu(throughput: float, cpu: float, verdict: str) -> None:
    assert verdict_of(throughput, cpu) == verdict


def test_goals_speak_of_stacks_that_exist() -> None:
    assert {goal.ours for goal in GOALS} <= set(OURS) <= set(STACKS)
    assert {name for names in PEERS.values() for name in names} <= set(STACKS)
    assert {goal.peer for goal in GOALS} == set(PEERS)


def test_ratios_are_medians_of_turns_beside_the_faster_set_up_of_a_peer() -> None:
    slow = [sample("envoy-rego", 100, 900)] * 3
    fast = [sample("envoy-jwt", each, 800) for each in (1_000, 2_000, 500)]
    ours = [sample("embedded", each, 400) for each in (2_000, 2_000, 2_000)]
    (found,) = ratios([*slow, *fast, *ours])
    assert (found.against, found.throughput, found.cpu) == ("envoy-jwt", 2.0, 0.5)
    assert found.verdict == "reached"


def test_what_was_not_measured_has_no_ratio() -> None:
    assert list(ratios([sample("embedded", 1_000, 400)])) == []
    one = Cell("returning", 1)
    assert list(ratios([sample("embedded", 1, 1, one), sample("skipper", 1, 1, one)])) == []


def test_rates_of_caches_are_those_since() -> None:
    before = Lookups(10, 10, 5, 20)
    assert Lookups(40, 20, 105, 220).rates(before) == (0.5, 0.75)
    assert before.rates(before) == (0.0, 0.0)


def test_the_report_names_goals_latencies_and_what_is_missing(tmp_path: Path) -> None:
    one = Cell("returning", 1)
    samples = [sample(name, 1_000, 300, cell) for cell in (CELL, one) for name in ("direct", "embedded", "skipper")]
    steady = [Steady("embedded", 1_000, 1.0, 3.0, 0), Steady("skipper", 1_000, 1.0, 4.0, 2)]
    measured = Measured(samples, steady, {"envoy": "no envoy here"})
    text = markdown(measured, MACHINE, "bench/peers --turns 1")
    assert "`bench/peers --turns 1` on 2 cores (a processor)" in text
    assert "- Envoy, pass-through: no envoy here" in text
    assert "| returning | 16 | Skipper with OPA | 1.00 | ≥ 0.8; 1.3 | 1.00 | - | reached |" in text
    assert "| ours, embedded, 1 worker | 0.00 | missed | 3.00 | 0 | reached |" in text
    assert json.loads(as_json(measured, MACHINE, "bench/peers"))["ratios"][0]["verdict"] == "reached"
    draw(measured, tmp_path / "peers.svg")
    assert b"skipper" in (tmp_path / "peers.svg").read_bytes().lower()


@pytest.mark.parametrize("claims", ["token_in_rego.rego", "token_in_envoy.rego"])
def test_the_peers_policy_is_one_that_opa_compiles(claims: str, tmp_path: Path) -> None:
    opa = find_opa()
    if opa is None:
        pytest.skip("no OPA here: run scripts/install-opa")
    tokens = Tokens(tmp_path / "none", {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}, 1, 1)
    write_policy(tmp_path / "policy", tokens, claims=claims)
    write_bundle(tmp_path / "policy", tmp_path / "bundle.tar.gz")
    with tarfile.open(tmp_path / "bundle.tar.gz") as archive:
        assert archive.getnames() == ["claims.rego", "data.json", "policy.rego"]
    checked = subprocess.run([opa, "check", tmp_path / "policy"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
