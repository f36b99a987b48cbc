"""How long the stages of an exchange take, as the exchanges' own records tell; and the inputs that were judged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import workload
from bench.series import Caller
from bench.stack import Given, sidecar, upstream
from sidecar.audit.lookup import export

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from bench.tokens import Tokens

SECONDS = 3


@dataclass(frozen=True, slots=True)
class Stages:
    """Medians in µs by stage, of one exchange at a time; a request's policy input and a response's, as JSON."""

    us: Mapping[str, float]
    request_input: bytes
    response_input: bytes


def stages(folder: Path, tokens: Tokens) -> Stages:
    """Of the series `returning`, with the embedded engine."""
    folder.mkdir()
    body = folder / "body.json"
    body.write_text(workload.body())
    given = Given(workload.data(), tokens.key_set, "RS256")
    with (
        upstream(folder, cores=()) as address,
        sidecar(folder, address, mode="enforce", engine="embedded", name="staged", given=given, cores=()) as running,
    ):
        caller = Caller(tokens, body)
        caller.await_prediction(running.address)
        caller.run(running.address, "returning", 1, SECONDS)
    return _read([json.loads(record) for record in export(folder / "audit-staged")])


def _read(records: list[dict[str, Any]]) -> Stages:
    taken: dict[str, list[int]] = {}
    outcomes = [record for record in records if record["kind"] == "OUTCOME"]
    for outcome in outcomes:
        for stage, us in outcome["stage_us"].items():
            taken.setdefault(stage, []).append(us)
    last = outcomes[-1]
    asked = next(one for one in records if one["kind"] == "INTENT" and one["decision_id"] == last["decision_id"])
    request = asked["input"]
    response = {**request, **last["input"], "window": last["window"], "phase": "response"}
    us = {stage: float(median(each)) for stage, each in taken.items()}
    return Stages(us, json.dumps(request).encode(), json.dumps(response).encode())
