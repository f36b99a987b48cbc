"""Replays that compare a candidate with a base instead of with the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.replay import Change, Report, Why, replay
from sidecar.policy.bundle import Bundle
from sidecar.policy.problems import PolicyProblems
from tests.policies import bundle as one_module
from tests.policies import module
from tests.unit.evidence.replay.written import Book, aged, bundle, data, with_version

if TYPE_CHECKING:
    from pathlib import Path

DATASETS = {"loans-2026-11-20": aged(1), "aged": aged(20), "stale": aged(80)}


def under(folder: Path, **changes: object) -> Bundle:
    return bundle(folder, data(**changes) | {"datasets": DATASETS})


def trebled(policy: Bundle) -> Bundle:
    """The policy, under the same revision, with a rule by which data may be three times as old."""
    modules = {
        path: text.replace("max_age_days * 86400", "max_age_days * 259200") for path, text in policy.modules.items()
    }
    assert modules != policy.modules
    return Bundle(policy.revision, modules, policy.data_json, ())


@pytest.fixture
def book(tmp_path: Path) -> Book:
    """One call each with data of 1, 20 and 80 days, under a limit of 30: five decisions."""
    book = Book(tmp_path)
    book.activate(under(tmp_path))
    book.exchange()
    book.exchange(attributes=with_version("aged"))
    book.exchange(attributes=with_version("stale"))
    return book


def run(book: Book, candidate: Bundle, base: Bundle | None, engine: str = "embedded") -> Report:
    report = replay(book.audit_dir, candidate, base=base, records=book.lines, engine=engine)
    assert report.records == report.replayed + report.not_replayed + sum(report.undecided.values())
    return report


def requests(report: Report) -> list[tuple[Change, str, int]]:
    return [(row.change, row.rule, row.count) for row in report.changed]


@pytest.mark.parametrize("max_age_days", [10, 100])
def test_what_the_data_alone_change_is_not_told(book: Book, tmp_path: Path, max_age_days: int) -> None:
    policy = under(tmp_path, max_age_days=max_age_days)
    assert run(book, policy, None).differences == 1
    report = run(book, policy, policy)
    assert (report.replayed, report.differences, report.base) == (5, 0, policy.revision)


@pytest.mark.parametrize("engine", ["embedded", "opa"])
def test_what_the_rules_change_is_told_though_the_record_says_the_same(book: Book, tmp_path: Path, engine: str) -> None:
    """Under a limit of 10 days, trebled by the candidate, the call of 20 days passes as it did under 30."""
    policy = under(tmp_path, max_age_days=10)
    assert requests(run(book, trebled(policy), None, engine)) == []
    report = run(book, trebled(policy), policy, engine)
    assert Change.DENY_TO_ALLOW in {row.change for row in report.changed}
    told = next(one for one in report.listed if one.change is Change.DENY_TO_ALLOW)
    assert (told.place.phase, told.rules) == ("request", ("staleness",))
    assert (told.recorded["reasons"][0]["code"], told.replayed["reasons"]) == ("data_stale", [])
    assert report.count(Change.DENY_TO_ALLOW) == 1


def test_a_row_that_either_cannot_judge_is_not_replayed(book: Book, tmp_path: Path) -> None:
    policy = under(tmp_path)
    path = next(path for path in policy.modules if path.endswith("staleness/request/staleness.rego"))
    reading = policy.modules[path] + '\nlocal if input.source.address == "10.1.2.3"\n'
    reader = Bundle("reader", {**policy.modules, path: reading}, policy.data_json, ())
    for candidate, base in ((policy, reader), (reader, policy)):
        report = run(book, candidate, base)
        assert [(row.why, row.count) for row in report.obstacles] == [(Why.VALUE_NOT_RECORDED, 3)]
        assert (report.replayed, report.differences) == (2, 0)


def test_a_base_that_is_not_accepted_cannot_be_compared_with(book: Book, tmp_path: Path) -> None:
    with pytest.raises(PolicyProblems, match="policy_malformed"):
        run(book, under(tmp_path), one_module(module("decision := 7")))


def test_a_base_without_a_candidate_is_no_question(book: Book, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="give a candidate"):
        replay(book.audit_dir, base=under(tmp_path), records=book.lines)
