"""The load scripts as users run them, for some seconds, against a real sidecar."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.programs import LINKS, found
from tests.process import PATIENT, REPOSITORY, sidecar
from tests.upstream import recording_server

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.heavy

RATE, DURATION_S = 40, 2


def bench(module: str, arguments: Sequence[object], needs: Sequence[str]) -> Any:
    """Its JSON; its exit code must be 0."""
    lacking = [name for name in needs if name not in found()]
    if lacking:
        wanted = f"no {', '.join(lacking)} here: run scripts/install-bench-peers"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(wanted)
    command = [sys.executable, "-m", module, *map(str, arguments), "--json"]
    own = Path(sys.executable).parent  # where `sidecar` is
    path = os.pathsep.join([str(LINKS), str(own), os.environ["PATH"], "/usr/sbin"])
    done = subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_load_of_good_and_bad_calls_ends_as_the_policy_says(tmp_path: Path) -> None:
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, *PATIENT) as running:
        tokens = tmp_path / "tokens"
        tokens.write_text("\n".join(running.issuer.token(sub=f"person-{n}", jti=f"token-{n}") for n in range(10)))
        asked = [running.url, "--tokens", tokens, "--data-version", "fresh", "--header", "X-Protected-Group: a"]
        asked += ["--rate", RATE, "--duration", DURATION_S, "--bad", 0.3, "--bad-kinds", "no-token", "unknown-data"]
        told = bench("bench.open_loop", asked, ["vegeta"])
        assert told["requests"] == RATE * DURATION_S
        assert set(told["reasons"]) == {"consent_missing", "data_version_unknown"}
        assert told["statuses"]["200"] + sum(told["reasons"].values()) == RATE * DURATION_S
        assert len(upstream.received) == told["statuses"]["200"]
        assert 0 < told["latency_ms"]["p50"] <= told["latency_ms"]["p99.99"] <= told["highest_ms"]


def test_layers_cost_something_and_nothing_passes_unjudged(tmp_path: Path) -> None:
    asked = ["--layer", "pass-through", "audit", "--connections", 2, "--turns", 1, "--seconds", 1, "--tokens", 1_000]
    asked += ["--only", "layers", "disturbances", "--rate", 20, "--disturbed-seconds", 2, "--folder", tmp_path]
    asked += ["--engine", "embedded"]
    told = bench("bench.layering", asked, ["vegeta", "wrk", "nginx"])
    samples = {sample["layer"]: sample for sample in told["layers"]}
    assert list(samples) == ["direct", "pass-through", "audit"]
    assert sum(samples["audit"]["cpu_us"].values()) > sum(samples["pass-through"]["cpu_us"].values()) > 0
    assert [sample["failed"] for sample in told["layers"]] == [0, 0, 0]
    assert [one["name"] for one in told["disturbed"]] == ["undisturbed", "policy reloaded", "collector away"]
    assert [one["unjudged"] for one in told["disturbed"]] == [0] * len(told["disturbed"])
