from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.audit.records import Event, event
from sidecar.evidence.replay import Change, Report, Span, Why, replay
from sidecar.evidence.replay.run import CHUNK
from sidecar.model.decision import Decision
from sidecar.model.reasons import Reason
from sidecar.policy.problems import PolicyProblems
from tests.policies import ALLOW, UNIX_S, module, shape
from tests.policies import bundle as one_module
from tests.unit.evidence.replay.written import Book, Kept, aged, bundle, data, with_version

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.policy.bundle import Bundle

DAY_S = 86_400
REVIEWED = {"rules": {"explanation": "off"}, "mitigation": {"fairness_band": {"action": "flag_review"}}}
DATASETS = {"loans-2026-11-20": aged(1), "aged": aged(20), "stale": aged(80)}


def document(**changes: Any) -> dict[str, Any]:
    return data(**changes) | {"datasets": DATASETS}


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


@pytest.fixture
def full(book: Book, tmp_path: Path) -> Book:
    """Two policies, and each way in which the shipped rules decide."""
    book.add(event(Event.START, {}))
    book.activate(bundle(tmp_path, document()))
    book.exchange()
    book.exchange(prediction={"scores": [0.9]})
    book.exchange(attributes=with_version("aged"))
    book.exchange(attributes=with_version("stale"))
    book.exchange(endpoint={"protocol": "v2", "operation": "infer", "model": "unheard-of", "version": None})
    book.clock.advance(DAY_S)
    book.activate(bundle(tmp_path, document(**REVIEWED)))
    book.exchange(prediction={"scores": [0.9]})
    book.refusal(book.context(), Decision(False, "", (Reason("body_malformed", "half"),)), None)
    return book


def run(book: Book, candidate: Bundle | None = None, *, engine: str = "embedded", **rest: Any) -> Report:
    report = replay(book.audit_dir, candidate, records=book.lines, engine=engine, **rest)
    assert report.records == report.replayed + report.not_replayed + sum(report.undecided.values())
    return report


def changes(report: Report) -> list[tuple[Change, str, str, str, int]]:
    return [(row.change, row.rule, row.model, row.group, row.count) for row in report.changed]


def obstacles(report: Report) -> list[tuple[Why, str, int]]:
    return [(row.why, row.detail, row.count) for row in report.obstacles]


@pytest.mark.parametrize("engine", ["embedded", "opa"])
def test_the_policies_that_decided_decide_the_same(full: Book, engine: str) -> None:
    report = run(full, engine=engine)
    assert (report.records, report.differences, changes(report)) == (len(full.lines), 0, [])
    assert obstacles(report) == [(Why.BEFORE_POLICY, "body_malformed", 1)]
    assert report.undecided == {"EVENT": 1}
    assert report.engines == {engine: 10}
    assert report.is_clean


@pytest.mark.parametrize("engine", ["embedded", "opa"])
def test_a_tighter_limit_refuses_exactly_the_aged_call(full: Book, tmp_path: Path, engine: str) -> None:
    tighter = bundle(tmp_path, document(max_age_days=15))
    report = run(full, tighter, engine=engine)
    assert changes(report) == [
        (Change.ALLOW_TO_DENY, "staleness", "credit", "a", 1),
        (Change.OBLIGATIONS, "fairness_band", "credit", "a", 1),
    ]
    denied, _ = report.listed
    recorded = next(
        shape
        for shape in full.decoded()
        if shape["kind"] == "INTENT" and shape["input"]["attributes"]["data_version"]["value"] == "aged"
    )
    assert (denied.place.decision_id, denied.place.sequence) == (recorded["decision_id"], recorded["sequence"])
    assert (denied.recorded["allow"], denied.replayed["allow"]) == (True, False)
    assert denied.replayed["reasons"][0]["message"] == "data_version aged is 20 days old; credit allows 15"
    assert report.candidate == tighter.revision


def test_a_looser_limit_lets_through_and_that_comes_first(full: Book, tmp_path: Path) -> None:
    looser = bundle(tmp_path, document(max_age_days=100, rules={"explanation": "off", "fairness_band": "enforce"}))
    assert changes(run(full, looser)) == [
        (Change.DENY_TO_ALLOW, "staleness", "credit", "a", 1),
        (Change.ALLOW_TO_DENY, "fairness_band", "credit", "a", 2),
    ]


def test_what_was_recorded_falsely_is_a_difference(full: Book) -> None:
    changed = [line.replace(b"80 days old", b"70 days old") for line in full.lines]
    assert changed != full.lines
    full.lines = changed
    report = run(full)
    assert changes(report) == [(Change.MESSAGES, "staleness", "credit", "a", 1)]
    assert not report.is_clean


def revoked(policy: dict[str, Any], *subjects: str) -> dict[str, Any]:
    return policy | {"revocations": {"tokens": {}, "subjects": {subject: {} for subject in subjects}}}


def person(subject: str) -> dict[str, Any]:
    consent: Any = shape()["consent"]
    return consent | {"subject": subject}


@pytest.mark.parametrize("engine", ["embedded", "opa"])
def test_registers_find_each_periods_people(book: Book, tmp_path: Path, engine: str) -> None:
    book.activate(bundle(tmp_path, revoked(document(), "5b")))
    for _ in range(2):
        book.exchange(consent=person("5b"))
        book.exchange(consent=person("6c"))
        book.clock.advance(0.9 * DAY_S)
    periods = {record["salt"] for record in book.decoded()}
    assert len(periods) == 2
    assert run(book, engine=engine).differences == 0
    nobody = run(book, bundle(tmp_path, document()), engine=engine)
    assert changes(nobody) == [(Change.DENY_TO_ALLOW, "consent", "credit", "a", 2)]
    other = run(book, bundle(tmp_path, revoked(document(), "6c")), engine=engine)
    assert changes(other) == [
        (Change.DENY_TO_ALLOW, "consent", "credit", "a", 2),
        (Change.ALLOW_TO_DENY, "consent", "credit", "a", 2),
    ]


def test_with_a_deleted_salt_only_what_reads_pseudonyms_is_lost(book: Book, tmp_path: Path) -> None:
    book.activate(bundle(tmp_path, revoked(document(), "5b")))
    book.exchange()
    (book.audit_dir / "salts" / "2026-11-21.salt").unlink()
    report = run(book)
    assert obstacles(report) == [(Why.SALT_DELETED, "consent.subject", 1)]
    assert (report.same, report.differences) == (0, 0)
    assert obstacles(run(book, bundle(tmp_path, document()))) == []


def test_an_explanation_that_was_empty_is_judged_as_one(book: Book, tmp_path: Path) -> None:
    book.activate(bundle(tmp_path, document(rules={"fairness_band": "off"})))
    for explanation in ([], {}, "", False, None, ["because"]):
        book.exchange(prediction={"explanation": explanation})
    report = run(book)
    assert (report.same, report.differences, obstacles(report)) == (12, 0, [])


def test_a_policy_that_is_not_kept_is_said_so_and_a_candidate_can_be_given(book: Book, tmp_path: Path) -> None:
    policy = bundle(tmp_path, document())
    book.activate(policy, keep=False)
    book.exchange()
    report = run(book)
    assert obstacles(report) == [(Why.POLICY_NOT_KEPT, f"policy {policy.revision}", 2)]
    assert not report.is_clean
    assert run(book, policy).is_clean


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    book = Kept(tmp_path / "audit")
    book.activate(bundle(tmp_path, document()))
    book.exchange()
    return book.close()


@pytest.mark.parametrize("place", [".", "0", "0/ledger"])
def test_whichever_part_of_an_audit_folder_is_named_its_policies_are_found(
    tmp_path: Path, ledger: Path, place: str
) -> None:
    report = replay(tmp_path / "audit" / place, engine="embedded")
    assert (report.is_clean, report.replayed, report.not_replayed) == (True, 2, 0)


def test_a_log_without_its_audit_folder_needs_a_candidate(tmp_path: Path, ledger: Path) -> None:
    alone = ledger.rename(tmp_path / "alone")
    with pytest.raises(PolicyProblems, match=r"alone is a log without its audit folder.* give --policy"):
        replay(alone, engine="embedded")
    assert replay(alone, bundle(tmp_path, document()), engine="embedded").is_clean


def test_only_records_of_the_span_are_looked_at(full: Book) -> None:
    next_day_ns = int((UNIX_S + DAY_S) * 1e9)
    assert run(full, span=Span(since_unix_ns=next_day_ns)).records == 3
    assert run(full, span=Span(until_unix_ns=next_day_ns)).records == len(full.lines) - 3
    assert run(full, span=Span(next_day_ns, next_day_ns)).records == 0


def test_a_response_decision_without_its_intent_is_said_so(book: Book, tmp_path: Path) -> None:
    book.activate(bundle(tmp_path, document()))
    book.exchange()
    book.lines = book.lines[1:]
    assert obstacles(run(book)) == [(Why.NO_INTENT, "", 1)]


def test_a_candidate_that_no_engine_accepts_is_a_problem(book: Book, tmp_path: Path) -> None:
    policy = bundle(tmp_path, document())
    book.activate(policy)
    book.exchange()
    recursive = {**policy.modules, "lib/loop.rego": "package lib.loop\n\na if b\n\nb if a\n"}
    with pytest.raises(PolicyProblems, match="depends on itself"):
        run(book, type(policy)("f" * 16, recursive, policy.data_json, ()))


def test_a_candidate_that_comes_to_no_decision_would_refuse(book: Book, tmp_path: Path) -> None:
    policy = bundle(tmp_path, document())
    book.activate(policy)
    book.exchange()
    undecided = module(f'decision := {ALLOW} if input.consent.status != "valid"')
    report = run(book, one_module(undecided, "e" * 16))
    assert changes(report) == [(Change.ALLOW_TO_DENY, "policy_undefined", "credit", "a", 2)]


@pytest.mark.parametrize("engine", ["embedded", "opa"])
def test_a_long_log_is_replayed_part_by_part(full: Book, engine: str) -> None:
    told: list[int] = []
    full.lines = full.lines * (2 * CHUNK // 10)
    report = run(full, engine=engine, advance=told.append)
    assert (report.same, report.differences) == (10 * (2 * CHUNK // 10), 0)
    assert sum(told) == report.records == len(full.lines)
    assert len(told) > 1


async def test_it_runs_where_an_event_loop_runs_already(full: Book) -> None:
    assert run(full).differences == 0


def test_what_is_no_record_is_an_error(book: Book) -> None:
    book.lines = [b"{}"]
    with pytest.raises(KeyError):
        run(book)
    book.lines = [b"{"]
    with pytest.raises(orjson.JSONDecodeError):
        run(book)


@pytest.mark.parametrize("engine", ["embedded", "opa"])
def test_only_what_a_rule_decided_from_features_is_not_decided_again(book: Book, tmp_path: Path, engine: str) -> None:
    mitigation = {"fairness_band": {"action": "fallback", "by": "credit_scoring"}}
    rules = {"explanation": "off", "fairness_band": "enforce"}
    book.activate(bundle(tmp_path, document(rules=rules, mitigation=mitigation, loan_to_income_max=3)))
    features = {"income": [50], "loan_amount": [150]}
    book.exchange(prediction={"features": features})
    book.exchange(prediction={"features": features, "scores": [0.9]})
    book.exchange(prediction={"scores": [0.9]})
    outcomes = [shape["decision"] for shape in book.decoded() if shape["kind"] == "OUTCOME"]
    assert [outcome["allow"] for outcome in outcomes] == [True, True, False]
    report = run(book, engine=engine)
    assert (report.differences, report.replayed) == (0, 5)
    assert obstacles(report) == [(Why.VALUE_NOT_RECORDED, "prediction.features", 1)]
    denying = bundle(tmp_path, document(rules=rules, mitigation={}, loan_to_income_max=3))
    assert changes(run(book, denying, engine=engine)) == [
        (Change.ALLOW_TO_DENY, "fairness_band", "credit", "a", 1),
    ]
