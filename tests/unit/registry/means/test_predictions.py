"""Which predictions of a log count, and what each of them is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.port import Kind
from sidecar.evidence.log import AuditLog
from sidecar.evidence.replay import Span
from sidecar.fairness import rebuild
from sidecar.ledger.segments import segment_files
from sidecar.registry.means.predictions import (
    NO_SCORE,
    NOT_RELEASED,
    OTHER_GROUP,
    NotReadable,
    Prediction,
    Wanted,
    predictions,
)
from sidecar.registry.means.verified import verified
from tests.unit.registry.means.scored import Scored

if TYPE_CHECKING:
    from pathlib import Path

WANTED = Wanted("credit", ("a", "b"), Span())


@pytest.fixture
def log(tmp_path: Path) -> Scored:
    return Scored(tmp_path)


def found(*logs: AuditLog, wanted: Wanted = WANTED) -> list[Prediction]:
    return list(predictions(verified(logs), wanted))


def test_each_instance_counts_under_its_own_group(log: Scored) -> None:
    one = log.exchange(["b", "a", "z"], [0.25, 0.5, 0.75])
    assert found(log.close()) == [
        Prediction(one, 0, 1, 0.25),
        Prediction(one, 1, 0, 0.5),
        Prediction(one, 2, OTHER_GROUP, 0.0),
    ]


def test_a_single_group_counts_for_all(log: Scored) -> None:
    one = log.exchange(["b"], [0.25, 0.5])
    assert found(log.close()) == [Prediction(one, 0, 1, 0.25), Prediction(one, 1, 1, 0.5)]


def test_no_group_is_none_that_the_model_declares(log: Scored) -> None:
    one = log.exchange(None, [0.25])
    assert found(log.close()) == [Prediction(one, 0, OTHER_GROUP, 0.0)]


@pytest.mark.parametrize("result", ["refused", "replaced", "failed", "aborted"])
def test_what_no_client_got_has_no_score_here(log: Scored, result: str) -> None:
    one = log.exchange(["a"], [0.25], result=result)
    assert found(log.close()) == [Prediction(one, 0, NOT_RELEASED, 0.0)]


def test_a_score_that_could_not_be_read_is_told_apart(log: Scored) -> None:
    one = log.exchange(["a"], None)
    assert found(log.close()) == [Prediction(one, 0, NO_SCORE, 0.0)]


def test_other_models_unjudged_and_unfinished_exchanges_do_not_count(log: Scored) -> None:
    log.exchange(["a"], [0.25], model="other")
    log.stage(Kind.INTENT, "e" * 32, started_unix_ns=0, endpoint={"model": "credit"}, input=None)
    log.stage(Kind.OUTCOME, "e" * 32, result="unknown", input=None, positive=None)
    log.stage(Kind.INTENT, "f" * 32, started_unix_ns=0, endpoint={"model": "credit"}, input=None)
    log.stage(Kind.REFUSAL, "d" * 32, status=403, input=None)
    assert found(log.close()) == []


def test_the_window_has_its_beginning_and_not_its_end(log: Scored) -> None:
    """By the time of the OUTCOME: that is when the client got it."""
    for number in range(4):
        log.exchange(["a"], [number / 4])
    times = [record["time_unix_ns"] for record in log.close() if record["kind"] == "OUTCOME"]
    within = found(AuditLog.open(log.audit_dir), wanted=Wanted("credit", ("a",), Span(times[1], times[3])))
    assert [one.score for one in within] == [0.25, 0.5]


def test_several_logs_come_one_after_the_other(log: Scored, tmp_path: Path) -> None:
    other = Scored(tmp_path, "other")
    log.exchange(["a"], [0.25])
    other.exchange(["a"], [0.5])
    assert [one.score for one in found(log.close(), other.close())] == [0.25, 0.5]


def test_progress_is_told(log: Scored) -> None:
    for _ in range(600):
        log.exchange(["a"], [0.5])
    told: list[int] = []
    assert len(list(predictions(verified([log.close()]), WANTED, told.append))) == 600
    assert told == [1_000]


def test_a_record_that_this_version_cannot_read_stops_it(log: Scored) -> None:
    log.exchange(["a", "b"], [0.25, 0.5, 0.75])
    with pytest.raises(NotReadable, match=f"record 1 of log {log.writer.ledger.log_id}: "):
        found(log.close())


def test_records_that_went_after_they_were_verified_stop_it(log: Scored, tmp_path: Path) -> None:
    log.exchange(["a"], [0.25])
    checked = verified([log.close()])
    (segment,) = segment_files(log.audit_dir / "0" / "ledger")
    shutil.move(segment, tmp_path / "gone")
    with pytest.raises(NotReadable, match=r"record 0 of log .* was deleted while it was read: try again"):
        list(predictions(checked, WANTED))


def test_exchanges_that_were_given_up_stop_it(log: Scored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rebuild.Join.__init__, "__defaults__", (2,))
    for number in range(3):
        log.stage(Kind.INTENT, f"{number:032x}", started_unix_ns=0, endpoint={"model": "credit"}, input=None)
    with pytest.raises(NotReadable, match=r"1 exchanges of log .* were open for too long to be counted"):
        found(log.close())
