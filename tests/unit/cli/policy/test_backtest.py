from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.policies import DATA, REGO
from tests.servers.registry import RegistryServer
from tests.unit.cli.policy.calls import policy
from tests.unit.evidence.replay.written import Kept, aged, bundle, data, with_version

if TYPE_CHECKING:
    from pathlib import Path

STALE = {"loans-2026-11-20": aged(1), "stale": aged(80)}


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    """A call that was released, and one that was refused for its age."""
    book = Kept(tmp_path / "audit")
    book.activate(bundle(tmp_path, data() | {"datasets": STALE}))
    book.exchange()
    book.exchange(attributes=with_version("stale"))
    book.close()
    return book.audit_dir


@pytest.fixture
def looser(tmp_path: Path) -> Path:
    path = tmp_path / "looser.json"
    path.write_text(json.dumps(data(max_age_days=100) | {"datasets": STALE}))
    return path


def test_what_would_be_let_pass_fails_it_and_is_told(audit_dir: Path, looser: Path) -> None:
    shown = policy("backtest", REGO, audit_dir, "--data", looser)
    assert shown.exit_code == 1
    assert shown.output.startswith("denied then, allowed now: 1\n")
    assert "finding: 1 calls of credit, group a, would pass that staleness refused\n" in shown.output
    assert "allow it by name: --allow RULE[@MODEL]" in shown.output


def test_allowed_by_name_it_is_good(audit_dir: Path, looser: Path) -> None:
    options = ["--data", looser, "--allow", "staleness@credit", "--allow", "consent"]
    shown = policy("backtest", REGO, audit_dir, *options)
    assert (shown.exit_code, "finding: " in shown.output) == (0, False)
    assert shown.output.endswith("notice: --allow consent allows nothing\n")
    told = json.loads(policy("backtest", REGO, audit_dir, *options, "--json").stdout)
    assert (told["different"]["deny_to_allow"], told["unallowed"]) == (1, [])


def test_nothing_replayed_is_a_finding(audit_dir: Path, looser: Path) -> None:
    shown = policy("backtest", REGO, audit_dir, "--data", looser, "--since", "2030-01-01")
    assert (shown.exit_code, shown.stderr) == (1, "sidecar: there are no records to look at\n")
    assert policy("backtest", REGO, audit_dir, "--data", looser, "--until", "2030-01-01").exit_code == 1


def test_times_may_be_spans(audit_dir: Path, looser: Path) -> None:
    """The log is of 2026: a century ago it was not there yet, and an hour ago it was, or will be."""
    shown = policy("backtest", REGO, audit_dir, "--data", looser, "--until", "36500d")
    assert (shown.exit_code, shown.stderr) == (1, "sidecar: there are no records to look at\n")
    shown = policy("backtest", REGO, audit_dir, "--data", looser, "--since", "36500d", "--json")
    assert json.loads(shown.stdout)["different"]["deny_to_allow"] == 1


def test_against_another_policy_the_data_make_no_difference(audit_dir: Path, looser: Path) -> None:
    shown = policy("backtest", REGO, audit_dir, "--data", looser, "--against", REGO)
    assert (shown.exit_code, shown.output.splitlines()[-3]) == (0, "  0 of them different"), shown.output
    told = json.loads(policy("backtest", REGO, audit_dir, "--data", looser, "--against", REGO, "--json").stdout)
    assert (told["against"], told["replayed"], told["changed"]) == (told["policy"], 3, [])


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["{audit}"], "has no data of its own: give --data FILE or --registry URL"),
        (["{audit}", "--data", "{looser}", "--registry", "https://registry.example"], "give one"),
        (["{audit}", "--data", "{looser}", "--allow", "@credit"], "is not RULE or RULE@MODEL"),
        (["{audit}", "{audit}", "--data", "{looser}"], "named twice"),
        (["{looser}", "--data", "{looser}"], "no log"),
        (["{audit}", "--data", "{looser}", "--since", "yesterday"], "is no time"),
        (["{audit}", "--data", "{looser}", "--until", "1w"], "is no time"),
        (["{audit}", "--registry", "http://registry.example"], "http"),
    ],
)
def test_what_cannot_run_is_bad_usage(arguments: list[str], problem: str, audit_dir: Path, looser: Path) -> None:
    given = [one.replace("{audit}", str(audit_dir)).replace("{looser}", str(looser)) for one in arguments]
    shown = policy("backtest", REGO, *given)
    assert (shown.exit_code, problem in shown.stderr) == (2, True), shown.output


def test_data_that_are_not_good_are_told(audit_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text(json.dumps({**DATA, "more": 1}))
    shown = policy("backtest", REGO, audit_dir, "--data", tmp_path / "bad.json")
    assert (shown.exit_code, "the data: more: not accepted as data" in shown.stderr) == (2, True)


def test_data_may_be_those_of_a_registry(audit_dir: Path, looser: Path, tmp_path: Path) -> None:
    (tmp_path / "registry").mkdir()
    document = json.loads(looser.read_text())
    with RegistryServer(tmp_path / "registry") as registry:
        for name, facts in document["datasets"].items():
            put = registry.ask("PUT", f"/v1/datasets/{name}", facts, If_None_Match="*")
            assert put.status < 300, put.body
        model = {"owner": "credit", **document["models"]["credit"]}
        put = registry.ask("PUT", "/v1/models/credit", model, If_None_Match="*")
        assert put.status < 300, put.body
        (tmp_path / "token").write_text(registry.tokens["reader"])
        shown = policy(
            *("backtest", REGO, audit_dir, "--registry", registry.url, "--token-file", tmp_path / "token", "--json")
        )
    assert (shown.exit_code, json.loads(shown.stdout)["different"]["deny_to_allow"]) == (1, 1), shown.output
