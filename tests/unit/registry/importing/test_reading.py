"""Several files as one import."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.policy.compose import SHIPPED_GUARDS
from sidecar.registry.importing.entries import Defaults
from sidecar.registry.importing.reading import Imported, read_files
from sidecar.registry.values import Kind
from tests.support import policy_data

NOW_UNIX_S = 1_795_300_000.0
RECORDED = Path(__file__).parent / "mlflow"
DATASET = {"created_unix_s": 1.0, "consent_scopes": ["credit_scoring"], "parents": []}


def read(*paths: Path) -> Imported:
    return read_files(paths, Defaults(), NOW_UNIX_S)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "datasets.csv"
    path.write_text(
        "data_version,created,consent_scopes,parents\nloans.v2,1,credit_scoring,loans\nloans,1,credit_scoring,\n"
    )
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(policy_data(NOW_UNIX_S), indent=1))
    return path


def test_all_formats_come_together_by_kind(table: Path, data: Path) -> None:
    found = read(table, data, RECORDED / "described.json")
    assert found.problems == ()
    bodies = found.bodies()
    keys = {kind: list(each) for kind, each in bodies.items()}
    assert keys == {
        Kind.DATASET: ["loans.v2", "loans", "fresh", "stale", "loans-2026-11-20", "holdout-ff2fea49"],
        Kind.MODEL: ["credit"],
        Kind.GROUP_MEAN: ["credit"],
    }
    assert bodies[Kind.DATASET]["loans.v2"] == DATASET | {"parents": ["loans"]}


def test_a_record_that_stands_twice_alike_is_one(table: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    again.write_text(json.dumps({"datasets": {"loans": DATASET}}))
    assert read(table, again).entries == read(table).entries
    assert read(table, again).problems == ()


def test_one_that_stands_twice_otherwise_is_a_problem(table: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    again.write_text(json.dumps({"datasets": {"loans": DATASET | {"parents": ["older"]}}}))
    assert read(table, again).problems == (f"{again}:1: datasets.loans: {table}:3 says otherwise",)


def test_all_problems_of_all_files_are_told_each_with_its_line(tmp_path: Path) -> None:
    table, bad, none, data = (tmp_path / name for name in ("a.csv", "bad.json", "none.json", "data.json"))
    table.write_text('data_version,created,consent_scopes\n"a,b",1,x\nc,soon,x\n')
    bad.write_text("{")
    none.write_text("{}")
    document = {
        "datasets": {"d": {"created_unix_s": "old", "consent_scopes": ["x"]}},
        "models": {"credit": {"rules": dict.fromkeys(SHIPPED_GUARDS, "off") | {"staleness": "maybe"}}},
        "revocations": {"tokens": {"me": 1}},
    }
    data.write_text(json.dumps(document, indent=1))
    problems = list(read(table, bad, none, data).problems)
    expected = [
        f"{table}:2: 'a,b': a data version has no comma",
        f"{table}:3: created: 'soon' is no time: write 2026-11-20, 2026-11-20T13:00:00Z or 1795179600",
        f"{bad}:1: is no JSON: ",
        f"{none}: is neither a data document nor a record of MLflow; a table's name ends in .csv",
        f"{data}:3: datasets.d.created_unix_s: ",
        f"{data}:11: models.credit.rules.staleness: must be one of enforce, shadow, off; anything else enforces",
        f"{data}:11: models.credit.max_age_days: missing, and staleness needs it",
        f"{data}:25: 'me': must be a pseudonym, 64 hexadecimal digits",
    ]
    assert [problem[: len(start)] for problem, start in zip(problems, expected, strict=True)] == expected


def test_a_revocation_need_not_say_until_when(tmp_path: Path) -> None:
    path = tmp_path / "revoked.json"
    path.write_text(json.dumps({"revocations": {"tokens": {"1" * 64: 1, "2" * 64: {"until_unix_s": 1.0}}}}))
    found = read(path)
    assert found.bodies() == {Kind.REVOKED_TOKEN: {"1" * 64: {}, "2" * 64: {"until_unix_s": 1.0}}}
    place = f"{path}:1: revocations.tokens.{'2' * 64}.until_unix_s"
    assert found.problems == (f"{place}: must lie ahead, or nothing would be revoked",)


def test_what_the_registry_says_of_a_record_gets_its_place(table: Path) -> None:
    told = [
        "datasets.loans.v2.parents: loans is not there",
        "datasets.loans.parents: a cycle",
        "datasets.loans: is no good",
        "datasets.other: is no good",
        "the database is full",
    ]
    assert read(table).with_places(told) == [
        f"{table}:2: {told[0]}",
        f"{table}:3: {told[1]}",
        f"{table}:3: {told[2]}",
        told[3],
        told[4],
    ]


def test_progress_is_told(tmp_path: Path) -> None:
    path = tmp_path / "many.csv"
    rows = "".join(f"loans-{number},1,x\n" for number in range(2_500))
    path.write_text("data_version,created,consent_scopes\n" + rows)
    told: list[tuple[int, int]] = []
    read_files([path], Defaults(), NOW_UNIX_S, lambda done, total: told.append((done, total)))
    assert told == [(1_000, 2_500), (2_000, 2_500), (2_500, 2_500)]
