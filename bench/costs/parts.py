"""What the policy takes to evaluate, JSON in and out included, and what a body takes to read."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

from bench import workload
from bench.processes import BenchError
from bench.reading import reading
from sidecar.model.clock import SystemClock
from sidecar.policy.bundle import build
from sidecar.policy.embedded import EmbeddedMaker
from sidecar.policy.verdict import verdict

if TYPE_CHECKING:
    from pathlib import Path

    from bench.costs.stages import Stages

BATCHES, BATCH = 30, 100
BODY_BYTES = 480
DECISION = "data.sidecar.decision"


def parts(folder: Path, rego: Path, stages: Stages) -> dict[str, float]:
    """Best of `BATCHES`, in µs. OPA is left out where there is none."""
    folder.mkdir()
    data = folder / "data.json"
    data.write_text(json.dumps(workload.data()))
    inputs = {"request": stages.request_input, "response": stages.response_input}
    found = asyncio.run(_embedded(rego, data, inputs))
    if opa := shutil.which("opa"):
        for phase, text in inputs.items():
            file = folder / f"{phase}.json"
            file.write_bytes(text)
            found[f"opa {phase} decision"] = _opa_us(opa, rego, data, file)
    plain = reading(BODY_BYTES, BATCHES * 10)[0]
    return found | {"read a body": plain.body_bytes / plain.read_mb_s}


async def _embedded(rego: Path, data: Path, inputs: dict[str, bytes]) -> dict[str, float]:
    engine = await EmbeddedMaker(timeout_s=10, clock=SystemClock()).make(build(rego, data))
    found: dict[str, float] = {}
    for phase, text in inputs.items():
        best_s, answer = math.inf, await engine.decide(text)
        for _ in range(BATCHES):
            started_s = time.perf_counter()
            for _ in range(BATCH):
                answer = await engine.decide(text)
            best_s = min(best_s, (time.perf_counter() - started_s) / BATCH)
        decision = verdict(answer)
        if not decision.allow:
            raise BenchError(f"the {phase} was refused: {decision.reasons}")
        found[f"embedded {phase} decision"] = best_s * 1e6
    await engine.aclose()
    return found


def _opa_us(opa: str, rego: Path, data: Path, file: Path) -> float:
    """By `opa bench`, which counts no HTTP."""
    command = [
        opa,
        "bench",
        "--format",
        "json",
        "--data",
        str(rego),
        "--data",
        str(data),
        "--input",
        str(file),
        DECISION,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchError(f"opa bench: {done.stderr or done.stdout}")
    result = json.loads(done.stdout)
    return float(result["T"]) / float(result["N"]) / 1e3
