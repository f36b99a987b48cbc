"""What each rule refused and would have refused, out of real records, counted by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit.port import Kind, Record
from sidecar.evidence import would_deny as module
from sidecar.evidence.replay import Span
from sidecar.evidence.would_deny import would_deny
from sidecar.ledger.segments import first_of, segment_files
from tests.lab import DATA, infer, lab, v2_answer
from tests.unit.evidence.ledgers import Writer

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.evidence.would_deny import WouldDeny

ALL = Span()


class Judged:
    """A log of exchanges, a second apart, with the rules that failed in each phase."""

    def __init__(self, folder: Path, segment_bytes: int = 1 << 20) -> None:
        self.writer = Writer(folder / "audit", segment_bytes)
        self._number = 0

    def refused(self, *rules: str, shadow: tuple[str, ...] = (), model: str | None = "credit") -> None:
        self._write(Kind.REFUSAL, self._opening(model, rules, shadow, allow=False))

    def released(
        self,
        *,
        shadow: tuple[str, ...] = (),
        answered: tuple[str, ...] | None = (),
        reasons: tuple[str, ...] = (),
        result: str = "released",
        model: str = "credit",
    ) -> None:
        """`shadow` failed in the request phase; `answered` (None: not judged) in shadow, and `reasons`, after it."""
        opening = self._opening(model, (), shadow, allow=True)
        self._write(Kind.INTENT, opening)
        after = None if answered is None else decision(reasons, answered, allow=not reasons)
        self._write(Kind.OUTCOME, {**opening, "result": result, "decision": after})

    def summary(self, count: int) -> None:
        self.writer.stage(Record(Kind.REFUSAL_SUMMARY, json.dumps({"count": count}).encode()))

    def close(self) -> Path:
        self.writer.write()
        self.writer.close()
        return self.writer.ledger_dir

    def _opening(self, model: str | None, rules: tuple[str, ...], shadow: tuple[str, ...], *, allow: bool) -> Any:
        self._number += 1
        self.writer.clock.advance(1.0)
        return {
            "decision_id": f"{self._number:032x}",
            "input": {"endpoint": {"model": model}},
            "decision": decision(rules, shadow, allow=allow),
        }

    def _write(self, kind: Kind, body: dict[str, Any]) -> None:
        self.writer.write(Record(kind, json.dumps(body, separators=(",", ":")).encode(), body["decision_id"]))


def decision(reasons: tuple[str, ...], shadow: tuple[str, ...], *, allow: bool) -> dict[str, Any]:
    return {
        "allow": allow,
        "reasons": [{"code": "c", "rule": rule, "message": ""} for rule in reasons],
        "shadow": [{"code": "c", "rule": rule, "message": ""} for rule in shadow],
    }


def counts(found: WouldDeny) -> dict[str, tuple[int, dict[str, tuple[int, int]]]]:
    """By model: judged, and by rule refused and would-deny."""
    return {
        model: (count.judged, {rule: (each.refused, each.would_deny) for rule, each in count.rules.items()})
        for model, count in found.models.items()
    }


@pytest.fixture
def log(tmp_path: Path) -> Judged:
    return Judged(tmp_path)


def test_refusals_and_would_denies_are_counted_by_model_and_rule(log: Judged) -> None:
    log.released()
    log.released(shadow=("staleness",))
    log.released(answered=("fairness_band",))
    log.released(answered=None)
    log.refused("staleness", shadow=("consent",))
    log.refused("consent", "staleness", model="loans")
    log.released(reasons=("explanation",), answered=("fairness_band",), result="refused")
    assert counts(would_deny([log.close()], ALL)) == {
        "credit": (
            6,
            {"staleness": (1, 1), "fairness_band": (0, 2), "consent": (0, 1), "explanation": (1, 0)},
        ),
        "loans": (1, {"consent": (1, 0), "staleness": (1, 0)}),
    }


def test_an_exchange_counts_once_for_a_rule_that_fails_in_both_phases(log: Judged) -> None:
    log.released(shadow=("credit_scoring",), answered=("credit_scoring", "credit_scoring"))
    assert counts(would_deny([log.close()], ALL)) == {"credit": (1, {"credit_scoring": (0, 1)})}


def test_what_is_refused_and_yet_released_was_a_sidecar_in_shadow_mode(log: Judged) -> None:
    log.released(reasons=("explanation",))
    assert counts(would_deny([log.close()], ALL)) == {"credit": (1, {"explanation": (0, 1)})}


def test_only_what_began_within_the_span_counts(log: Judged) -> None:
    log.released(shadow=("staleness",))
    since = log.writer.clock.unix_ns() + 500_000_000
    log.released(shadow=("consent",))
    log.refused("provenance")
    log.summary(7)
    until = log.writer.clock.unix_ns() + 500_000_000
    log.refused("staleness")
    log.summary(9)
    found = would_deny([log.close()], Span(since, until))
    assert counts(found) == {"credit": (2, {"consent": (0, 1), "provenance": (1, 0)})}
    assert found.summarised == 7


def test_older_segments_are_not_read(tmp_path: Path) -> None:
    log = Judged(tmp_path, segment_bytes=4_096)
    for _ in range(60):
        log.refused("staleness")
    since = log.writer.clock.unix_ns() + 500_000_000
    log.refused("consent")
    ledger_dir = log.close()
    oldest, *_, newest = segment_files(ledger_dir)
    assert oldest != newest
    oldest.write_bytes(b"\0" * oldest.stat().st_size)
    found = would_deny([ledger_dir], Span(since))
    assert (counts(found), found.damaged) == ({"credit": (1, {"consent": (1, 0)})}, [])


def test_damage_is_told_and_what_follows_in_later_segments_is_counted(tmp_path: Path) -> None:
    log = Judged(tmp_path, segment_bytes=4_096)
    for _ in range(60):
        log.refused("staleness")
    ledger_dir = log.close()
    first, hit, after, *_ = map(first_of, segment_files(ledger_dir))
    segment = segment_files(ledger_dir)[1]
    content = bytearray(segment.read_bytes())
    content[content.index(b'"staleness"') + 3] ^= 1
    segment.write_bytes(content)
    found = would_deny([ledger_dir], ALL)
    lost = after - hit
    assert counts(found) == {"credit": (60 - lost, {"staleness": (60 - lost, 0)})}
    assert (first, [damage.sequence for damage in found.damaged]) == (0, [hit])


def test_several_logs_add_up(tmp_path: Path) -> None:
    one, other = Judged(tmp_path / "one"), Judged(tmp_path / "other")
    one.refused("staleness")
    other.released(shadow=("staleness",))
    assert counts(would_deny([one.close(), other.close()], ALL)) == {"credit": (2, {"staleness": (1, 1)})}


def test_reasons_of_the_sidecar_itself_are_no_rules(log: Judged) -> None:
    opening = log._opening("credit", (), (), allow=False)
    opening["decision"]["reasons"] = [{"code": "policy_timeout", "message": ""}]
    log._write(Kind.REFUSAL, opening)
    log._write(Kind.REFUSAL, {**log._opening(None, (), (), allow=False), "input": None})
    assert counts(would_deny([log.close()], ALL)) == {"credit": (1, {})}


def test_names_that_callers_invent_do_not_fill_memory(log: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MODELS_LIMIT", 2)
    for model in ("credit", "x1", "x2", "x3", "credit", None):
        log.refused("provenance", model=model)
    assert counts(would_deny([log.close()], ALL)) == {
        "credit": (2, {"provenance": (2, 0)}),
        "x1": (1, {"provenance": (1, 0)}),
        "(others)": (3, {"provenance": (3, 0)}),
    }


def test_exchanges_that_never_end_do_not_fill_memory(log: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPEN_LIMIT", 1)
    openings = [log._opening("credit", (), (), allow=True) for _ in range(2)]
    for opening in openings:
        log._write(Kind.INTENT, opening)
    for opening in openings:
        told = decision(("explanation",), (), allow=False)
        log._write(Kind.OUTCOME, {**opening, "result": "refused", "decision": told})
    assert counts(would_deny([log.close()], ALL)) == {"credit": (2, {"explanation": (1, 0)})}


def test_what_this_version_cannot_read_is_counted(log: Judged) -> None:
    log._write(Kind.REFUSAL, {"decision_id": "f" * 32})
    log.refused("staleness")
    found = would_deny([log.close()], ALL)
    assert (found.unreadable, counts(found)) == (1, {"credit": (1, {"staleness": (1, 0)})})


async def test_real_records_of_real_rules(tmp_path: Path) -> None:
    """`fairness_band` is in shadow for the model: a score of 0.9 is beyond the band. A stale data set is refused."""
    data = {**DATA, "models": {"credit": DATA["models"]["credit"] | {"rules": {**RULES, "fairness_band": "shadow"}}}}
    async with lab(tmp_path, data=data) as found:
        assert (await found.call(infer()))[0] == 200
        found.upstream.answer = v2_answer(0.9)
        assert (await found.call(infer()))[0] == 200
        assert (await found.call(infer(x_data_version="stale")))[0] == 403
    (ledger_dir,) = (found.audit_dir / "0").glob("ledger")
    assert counts(would_deny([ledger_dir], ALL)) == {
        "credit": (3, {"fairness_band": (0, 1), "staleness": (1, 0)}),
    }


RULES: dict[str, str] = DATA["models"]["credit"]["rules"]
