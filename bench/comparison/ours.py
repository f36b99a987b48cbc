"""The sidecar with each engine and number of workers, its audit log durable, and what its caches did."""

from __future__ import annotations

import re
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import workload
from bench.comparison.running import Running
from bench.stack import Given, sidecar

if TYPE_CHECKING:
    from collections.abc import Generator

    from bench.comparison.running import Place

RESPONSE_GUARDS = ("credit_scoring", "disparate_impact", "explanation", "fairness_band", "group_mean_band")
READINGS = {
    "decision_hits": r'decision_cache_lookups_total\{[^}]*lookup="hit"[^}]*\} (\d\S*)$',
    "decision_misses": r'decision_cache_lookups_total\{[^}]*lookup="miss"[^}]*\} (\d\S*)$',
    "consent_hits": r"consent_cache_hits_total(?:\{[^}]*\})? (\d\S*)$",
    "consents": r'consent_results_total\{[^}]*status="valid"[^}]*\} (\d\S*)$',
}


@dataclass(frozen=True, slots=True)
class Lookups:
    """What was asked of the caches so far; of all workers together."""

    decision_hits: float = 0.0
    decision_misses: float = 0.0
    consent_hits: float = 0.0
    consents: float = 0.0

    def rates(self, before: Lookups) -> tuple[float, float]:
        """Share of verifications, then of decisions, that came from memory since."""
        decisions = self.decision_hits - before.decision_hits
        asked = decisions + self.decision_misses - before.decision_misses
        consents = self.consents - before.consents
        return (self.consent_hits - before.consent_hits) / max(1.0, consents), decisions / max(1.0, asked)


def lookups(admin: str) -> Lookups:
    """Read from the admin port."""
    with urllib.request.urlopen(f"http://{admin}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return Lookups(
        **{name: sum(map(float, re.findall(pattern, text, re.MULTILINE))) for name, pattern in READINGS.items()}
    )


@contextmanager
def judging(place: Place, *, engine: str, workers: int = 1, phases: str = "both") -> Generator[Running]:
    """`phases` "request": the model's response rules are off."""
    given = Given(_data(phases), place.tokens.key_set, "RS256")
    flags = ["--workers", str(workers)] if workers > 1 else []
    with sidecar(
        place.folder, place.upstream, mode="enforce", engine=engine, name="ours", flags=flags, given=given, cores=()
    ) as started:
        yield Running(started.address, [started.pid], started.admin)


def _data(phases: str) -> dict[str, Any]:
    data = workload.data()
    if phases == "request":
        data["models"]["credit"]["rules"] |= dict.fromkeys(RESPONSE_GUARDS, "off")
    return data
