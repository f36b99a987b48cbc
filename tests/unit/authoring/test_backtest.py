from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.authoring.backtest import Allowance, Backtest, backtest, candidate_of
from sidecar.authoring.building import build
from sidecar.bundles.manifest import Manifest
from sidecar.evidence.replay import Span
from sidecar.policy.compiling import EmbeddedCompiler
from sidecar.policy.compose import compose, load_modules
from sidecar.policy.examine import ROOTS
from sidecar.policy.problems import PolicyProblems
from tests.keys import EC, signing_key
from tests.policies import DATA, REGO
from tests.unit.evidence.replay.written import Kept, aged, bundle, data, with_version

if TYPE_CHECKING:
    from pathlib import Path

DATASETS = {"loans-2026-11-20": aged(1), "aged": aged(20), "stale": aged(80)}


def document(**changes: Any) -> bytes:
    return orjson.dumps(data(**changes) | {"datasets": DATASETS})


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    """One call each with data of 1, 20 and 80 days, under a limit of 30."""
    book = Kept(tmp_path / "audit")
    book.activate(bundle(tmp_path, orjson.loads(document())))
    book.exchange()
    book.exchange(attributes=with_version("aged"))
    book.exchange(attributes=with_version("stale"))
    book.close()
    return book.audit_dir


def tried(audit_dir: Path, *allowed: str, span: Span | None = None, **changes: Any) -> Backtest:
    allowances = [Allowance.parse(one) for one in allowed]
    candidate = candidate_of(REGO, document(**changes))
    return backtest(candidate, [audit_dir], allowances, span=span or Span(), engine="embedded")


def rows(found: Backtest) -> list[tuple[str, str, str, int]]:
    return [(row.change.value, row.rule, row.model, row.count) for row in found.report.changed]


def test_the_policy_that_decided_is_good(audit_dir: Path) -> None:
    found = tried(audit_dir)
    assert (found.is_good, found.unallowed, rows(found), found.report.replayed) == (True, (), [], 5)


def test_what_would_be_refused_is_told_and_no_finding(audit_dir: Path) -> None:
    found = tried(audit_dir, max_age_days=10)
    assert (found.is_good, rows(found)) == (True, [("allow_to_deny", "staleness", "credit", 1)])


def test_what_would_be_let_pass_is_one(audit_dir: Path) -> None:
    found = tried(audit_dir, max_age_days=100)
    assert (found.is_good, rows(found)) == (False, [("deny_to_allow", "staleness", "credit", 1)])
    assert found.unallowed == found.report.changed
    assert found.as_json()["unallowed"] == [{"rule": "staleness", "model": "credit", "group": "a", "count": 1}]


@pytest.mark.parametrize(
    ("allowed", "is_good", "unused"),
    [
        (["staleness"], True, []),
        (["staleness@credit"], True, []),
        (["staleness@other"], False, ["staleness@other"]),
        (["consent"], False, ["consent"]),
        (["staleness", "consent@credit"], True, ["consent@credit"]),
    ],
)
def test_unless_it_is_allowed_by_name(allowed: list[str], is_good: bool, unused: list[str], audit_dir: Path) -> None:
    found = tried(audit_dir, *allowed, max_age_days=100)
    assert (found.is_good, found.as_json()["unused_allowances"]) == (is_good, unused)


def test_each_rule_that_refused_must_be_allowed(audit_dir: Path) -> None:
    found = tried(audit_dir, "staleness", max_age_days=100)
    two = replace(found.report.changed[0], rule="consent, staleness")
    from sidecar.authoring.backtest import _is_allowed

    assert not _is_allowed(two, [Allowance("staleness", None)])
    assert _is_allowed(two, [Allowance("staleness", None), Allowance("consent", "credit")])


def looser_rule(folder: Path) -> Path:
    """The shipped rules, by which data may be three times as old as the model allows."""
    root = folder / "looser"
    shutil.copytree(REGO, root)
    path = root / "guards/staleness/request/staleness.rego"
    path.write_text(path.read_text().replace("max_age_days * 86400", "max_age_days * 259200"))
    return root


def compared(audit_dir: Path, policy: Path, *allowed: str, **changes: Any) -> Backtest:
    """A policy held against the shipped rules, both under these data."""
    candidate, base = (candidate_of(root, document(**changes)) for root in (policy, REGO))
    allowances = [Allowance.parse(one) for one in allowed]
    return backtest(candidate, [audit_dir], allowances, base=base, span=Span(), engine="embedded")


@pytest.mark.parametrize("max_age_days", [10, 100])
def test_against_a_base_the_data_alone_make_no_difference(audit_dir: Path, max_age_days: int) -> None:
    assert rows(tried(audit_dir, max_age_days=max_age_days)) != []
    found = compared(audit_dir, REGO, max_age_days=max_age_days)
    assert (found.is_good, rows(found), found.report.replayed) == (True, [], 5)


def test_against_a_base_the_rules_make_them_and_are_allowed_by_name(audit_dir: Path, tmp_path: Path) -> None:
    looser = looser_rule(tmp_path)
    found = compared(audit_dir, looser)
    assert (found.is_good, rows(found)) == (False, [("deny_to_allow", "staleness", "credit", 1)])
    assert found.as_json()["against"] == candidate_of(REGO, document()).revision
    assert compared(audit_dir, looser, "staleness@credit").is_good
    assert rows(compared(audit_dir, looser, max_age_days=100)) == []


def test_nothing_replayed_is_not_good(audit_dir: Path) -> None:
    found = tried(audit_dir, span=Span(since_unix_ns=2_000_000_000_000_000_000))
    assert (found.is_good, found.report.records) == (False, 0)


def test_a_log_that_is_named_twice_is_refused(audit_dir: Path) -> None:
    with pytest.raises(ValueError, match="named twice"):
        backtest(candidate_of(REGO, document()), [audit_dir, audit_dir / "0"], [], span=Span())


@pytest.mark.parametrize("text", ["", "@credit", "staleness@"])
def test_what_names_no_rule_is_no_allowance(text: str) -> None:
    with pytest.raises(ValueError, match="is not RULE or RULE@MODEL"):
        Allowance.parse(text)


@pytest.mark.parametrize("text", ["staleness", "staleness@credit"])
def test_an_allowance_reads_as_it_was_written(text: str) -> None:
    assert str(Allowance.parse(text)) == text


def test_a_candidate_is_a_folder_or_a_bundle_with_the_data_that_are_given(tmp_path: Path) -> None:
    path = tmp_path / "policy.tar.gz"
    path.write_bytes(build(REGO, Manifest("4f2c", ROOTS, 1), signing_key(EC), EmbeddedCompiler()).archive)
    for policy, revision in ((REGO, None), (path, "4f2c")):
        found = candidate_of(policy, document())
        assert orjson.loads(found.data_json) == orjson.loads(document())
        assert found.modules == compose(load_modules(REGO)).policies
        assert revision in (None, found.revision)
        with pytest.raises(PolicyProblems, match="has no data of its own: give --data FILE or --registry URL"):
            candidate_of(policy, None)


def test_a_bundle_with_data_of_its_own_needs_none(tmp_path: Path) -> None:
    own = bundle(tmp_path, DATA)
    path = tmp_path / "kept.tar.gz"
    path.write_bytes(own.archive())
    assert candidate_of(path, None) == own
    assert orjson.loads(candidate_of(path, document()).data_json) == orjson.loads(document())


@pytest.mark.parametrize(
    ("given", "problem"), [(b"{", "the data is no JSON"), (b'{"more": 1}', "the data: more: not accepted as data")]
)
def test_data_that_are_none_are_refused(given: bytes, problem: str) -> None:
    with pytest.raises(PolicyProblems, match=problem):
        candidate_of(REGO, given)


def test_what_is_no_candidate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no bundle")
    with pytest.raises(PolicyProblems, match="the bundle cannot be read"):
        candidate_of(tmp_path / "x", document())
    with pytest.raises(PolicyProblems, match="No such file"):
        candidate_of(tmp_path / "y", document())
