"""`sidecar policy status`: several sidecars, and logs alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from sidecar.cli import main
from tests.servers.process import free_ports
from tests.unit.cli.policy.admin_ports import admin_port, status
from tests.unit.evidence.fairness.predicted import Predicted
from tests.unit.evidence.test_would_deny import Judged

if TYPE_CHECKING:
    from pathlib import Path

SINCE = ["--since", "2026-11-01"]


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["policy", "status", *map(str, arguments)], catch_exceptions=False)


def counted(shown: Result) -> dict[tuple[str, str], Any]:
    rules = json.loads(shown.stdout)["rules"]
    return {
        (row["model"], row["rule"]): (row["modes"], row["judged"], row["would_deny"], row["refused"]) for row in rules
    }


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    """Ten exchanges: three would-denies, one refusal."""
    log = Judged(tmp_path)
    for _ in range(6):
        log.released()
    for _ in range(3):
        log.released(answered=("fairness_band",))
    log.refused("staleness")
    log.summary(5)
    log.close()
    return tmp_path / "audit"


MODES = {"credit": {"staleness": "enforce", "fairness_band": "shadow", "explanation": "off"}}


def test_people_see_each_sidecar_and_each_rule(audit_dir: Path) -> None:
    with admin_port(status(audit_dir, MODES)) as port:
        shown = call("--admin", port, *SINCE)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert shown.stdout.splitlines() == [
        f"sidecar {port}: mode enforce, policy abc123",
        "model   rule           mode     judged  would deny    rate  refused",
        "credit  explanation    off          10           0   0.00%        0",
        "credit  fairness_band  shadow       10           3  30.00%        0",
        "credit  staleness      enforce      10           0   0.00%        1",
        "",
        "5 more refusals are on record in sums only",
    ]


def test_several_sidecars_add_up_and_may_differ(audit_dir: Path, tmp_path: Path) -> None:
    other = Judged(tmp_path / "other")
    other.refused("fairness_band")
    other.close()
    enforced = {"credit": {"fairness_band": "enforce"}}
    socket = tmp_path / "admin.sock"
    with (
        admin_port(status(audit_dir, MODES)) as port,
        admin_port(status(tmp_path / "other" / "audit", enforced), socket),
    ):
        shown = call("--admin", port, "--control", socket, "--admin", port, *SINCE, "--json")
    assert shown.exit_code == 0
    assert counted(shown)["credit", "fairness_band"] == ({"enforce": 1, "shadow": 1}, 11, 3, 1)
    assert [each["admin"] for each in json.loads(shown.stdout)["sidecars"]] == [port, str(socket)]


def test_a_sidecar_in_shadow_mode_enforces_nothing(audit_dir: Path) -> None:
    with admin_port(status(audit_dir, MODES, "shadow")) as port:
        found = counted(call("--admin", port, *SINCE, "--json"))
    assert {rule: each[0] for (_, rule), each in found.items()} == {
        "staleness": {"shadow (all)": 1},
        "fairness_band": {"shadow": 1},
        "explanation": {"off": 1},
    }


def test_logs_alone_tell_modes_by_the_policy_that_was_kept_last(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    log.keep_policy(rules={"fairness_band": "shadow", "explanation": "off"})
    log.close()
    shown = call(log.audit_dir, *SINCE, "--json")
    assert shown.exit_code == 0
    assert {rule: each[0] for (_, rule), each in counted(shown).items()} == {
        "consent": {"enforce": 1},
        "disparate_impact": {"enforce": 1},
        "explanation": {"off": 1},
        "fairness_band": {"shadow": 1},
        "group_mean_band": {"enforce": 1},
        "provenance": {"enforce": 1},
        "staleness": {"enforce": 1},
    }


def test_modes_are_unknown_where_no_policy_was_kept(audit_dir: Path) -> None:
    shown = call(audit_dir, *SINCE, "--json")
    assert (shown.exit_code, "modes are unknown: no policy was kept beside these logs" in shown.stderr) == (1, True)
    assert counted(shown) == {
        ("credit", "fairness_band"): ({"unknown": 1}, 10, 3, 0),
        ("credit", "staleness"): ({"unknown": 1}, 10, 0, 1),
    }


def test_only_the_span_counts(audit_dir: Path) -> None:
    shown = call(audit_dir, "--since", "2026-11-01", "--until", "2026-11-02", "--json")
    assert counted(shown) == {}


def test_a_sidecar_that_is_away_is_told_and_the_others_are_shown(audit_dir: Path) -> None:
    [away] = free_ports(1)
    with admin_port(status(audit_dir, MODES)) as port:
        shown = call("--admin", port, "--admin", f"127.0.0.1:{away}", *SINCE)
    assert (shown.exit_code, "fairness_band" in shown.stdout) == (1, True)
    assert f"no sidecar answers at 127.0.0.1:{away}" in shown.stderr


def test_a_log_on_another_machine_is_asked_for(audit_dir: Path, tmp_path: Path) -> None:
    with admin_port(status(tmp_path / "elsewhere", MODES)) as port:
        without, with_it = call("--admin", port, *SINCE), call("--admin", port, audit_dir, *SINCE, "--json")
    assert without.exit_code == 1
    assert f"{tmp_path}/elsewhere holds no log here: give the audit folder as this machine has it" in without.stderr
    assert counted(with_it)["credit", "fairness_band"] == ({"shadow": 1}, 10, 3, 0)


def test_nothing_to_tell_ends_with_2() -> None:
    [away] = free_ports(1)
    shown = call("--admin", f"127.0.0.1:{away}")
    assert (shown.exit_code, shown.stdout) == (2, "")
