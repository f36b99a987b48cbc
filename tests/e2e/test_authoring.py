"""What a policy's author does, as a user would: a new repository through its own workflow, a candidate on the demo.

What a backtest must find is worked out here from the records alone, by other means than the replay's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar.bundles.archive import MANIFEST, read
from sidecar.bundles.manifest import Manifest
from sidecar.bundles.signing import VerifyingKey
from tests.e2e.demos import sidecar_command
from tests.keys import EC, private_pem, public_pem
from tests.policies import REGO, opa_binary
from tests.servers.registry import RegistryServer
from tests.unit.authoring.test_git import git

if TYPE_CHECKING:
    from tests.e2e.demos import FinishedDemo

pytestmark = pytest.mark.heavy

DAY_S = 86_400
LIMIT_DAYS = 30
"""The demo's."""

Difference = tuple[str, str, str, str]
"""Decision id, change, rule, group."""


def records_of(demo: FinishedDemo) -> list[dict[str, Any]]:
    exported = sidecar_command("audit", "export", demo.root / "audit")
    return [json.loads(line) for line in exported.stdout.splitlines()]


def data_of(demo: FinishedDemo) -> dict[str, Any]:
    return json.loads((demo.root / "data.json").read_text())


def with_max_age_days(demo: FinishedDemo, days: int) -> Path:
    """The demo's data with another limit for its model `credit`."""
    data = data_of(demo)
    assert data["models"]["credit"]["max_age_days"] == LIMIT_DAYS
    data["models"]["credit"]["max_age_days"] = days
    path = demo.root / f"backtest-{days}.json"
    path.write_text(json.dumps(data))
    return path


def expected(demo: FinishedDemo, days: int) -> set[Difference]:
    """Of each request of `credit` that the policy judged: on which side of either limit its data were."""
    created_unix_s = {name: facts["created_unix_s"] for name, facts in data_of(demo)["datasets"].items()}
    found: set[Difference] = set()
    for record in records_of(demo):
        asked = record.get("input")
        if record["kind"] not in ("INTENT", "REFUSAL") or not asked or asked["endpoint"]["model"] != "credit":
            continue
        codes = [reason["code"] for reason in record["decision"]["reasons"]]
        version = asked["attributes"]["data_version"]["value"]
        if codes not in ([], ["data_stale"]) or version not in created_unix_s:
            continue  # refused for something else, which stays so
        age_days = (asked["time"]["unix_s"] - created_unix_s[version]) / DAY_S
        assert (age_days > LIMIT_DAYS) is (codes == ["data_stale"])
        if (age_days > LIMIT_DAYS) is not (age_days > days):
            change = "allow_to_deny" if age_days > days else "deny_to_allow"
            found.add((record["decision_id"], change, "staleness", group_of(asked)))
    return found


def group_of(asked: dict[str, Any]) -> str:
    return ",".join(sorted(set(asked["attributes"]["groups"]["value"] or []))) or "-"


def backtested(demo: FinishedDemo, days: int, *options: str, code: int) -> dict[str, Any]:
    data = with_max_age_days(demo, days)
    done = sidecar_command("policy", "backtest", REGO, demo.root / "audit", "--data", data, "--json", *options)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def differences(told: dict[str, Any]) -> set[Difference]:
    assert told["differences_not_listed"] == 0
    return {(one["decision_id"], one["change"], ",".join(one["rules"]), one["group"]) for one in told["differences"]}


def table(found: set[Difference]) -> Counter[tuple[str, str, str]]:
    return Counter((change, rule, group) for _, change, rule, group in found)


def told_table(told: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    return Counter({(row["change"], row["rule"], row["group"]): row["count"] for row in told["changed"]})


@pytest.mark.parametrize(("days", "code"), [(LIMIT_DAYS, 0), (15, 0), (100, 1)])
def test_with_another_staleness_limit_exactly_the_expected_differs(
    finished_demo: FinishedDemo, days: int, code: int
) -> None:
    """A tighter limit is told and passes, a looser one fails; the same one changes nothing."""
    wanted = expected(finished_demo, days)
    told = backtested(finished_demo, days, code=code)
    assert differences(told) == wanted
    assert told_table(told) == table(wanted)
    assert told["different"]["total"] == len(wanted)
    assert bool(wanted) is (days != LIMIT_DAYS)
    assert {row["model"] for row in told["changed"]} <= {"credit"}
    assert told["records"] == len(records_of(finished_demo))
    assert sum(row["count"] for row in told["unallowed"]) == told["different"]["deny_to_allow"]


def test_what_is_meant_is_allowed_by_name(finished_demo: FinishedDemo) -> None:
    told = backtested(finished_demo, 100, "--allow", "staleness@credit", code=0)
    assert differences(told) == expected(finished_demo, 100)
    assert (told["unallowed"], told["unused_allowances"]) == ([], [])
    assert backtested(finished_demo, 100, "--allow", "staleness@other", code=1)["unused_allowances"] == [
        "staleness@other"
    ]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A new policy repository in Git, with nothing changed since `init`."""
    folder = tmp_path / "policies"
    assert sidecar_command("policy", "init", folder).returncode == 0
    git(folder, "init", "--quiet", "--initial-branch", "main")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "Start")
    return folder


def steps(repository: Path, job: str) -> dict[str, str]:
    """The commands of a job's own steps, by name; what installs tools is done already."""
    workflow = yaml.safe_load((repository / ".github/workflows/policy.yaml").read_text())
    named = [step for step in workflow["jobs"][job]["steps"] if "run" in step]
    return {step["name"]: step["run"] for step in named if step["name"] != "Install"}


def run(command: str, repository: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """As GitHub's runner does it: `bash -e` in the checkout."""
    path = os.pathsep.join([str(Path(sys.executable).parent), str(opa_binary().parent), os.environ["PATH"]])
    scratch = repository.parent / "runner"
    scratch.mkdir(exist_ok=True)
    variables = {**os.environ, "PATH": path, "RUNNER_TEMP": str(scratch), **environment}
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", command],
        cwd=repository,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_new_repository_goes_through_its_own_workflow(repository: Path) -> None:
    assert list(steps(repository, "check")) == ["Check", "Backtest"]
    done = run(steps(repository, "check")["Check"], repository)
    assert (done.returncode, done.stdout.startswith("good: ")) == (0, True), done.stdout + done.stderr
    publish, target = steps(repository, "publish"), repository.parent / "bundles"
    assert list(publish) == ["Build", "Publish"]
    done = run(publish["Build"], repository, POLICY_SIGNING_KEY=private_pem(EC).decode())
    assert done.returncode == 0, done.stderr
    done = run(publish["Publish"], repository, POLICY_TARGET=str(target), SIDECAR_REGISTRY_TOKEN="")
    assert done.returncode == 0, done.stderr
    files = read((target / "policy.tar.gz").read_bytes())
    VerifyingKey(public_pem(EC)).verify(files, "policy")
    assert Manifest.of(files[MANIFEST]).revision == git(repository, "rev-parse", "HEAD")
    assert not (repository.parent / "runner" / "policy.pem").exists()
    assert git(repository, "status", "--porcelain") == ""


def test_its_workflow_backtests_with_what_the_change_allows(repository: Path, finished_demo: FinishedDemo) -> None:
    (repository / "data.json").write_text(with_max_age_days(finished_demo, 100).read_text())
    command, logs = steps(repository, "check")["Backtest"], str(finished_demo.root / "audit")
    done = run(command, repository, AUDIT_LOGS=logs)
    assert (done.returncode, "that staleness refused" in done.stdout) == (1, True), done.stdout + done.stderr
    with (repository / "backtest.allow").open("a") as allowed:
        allowed.write("staleness@credit  # customers' data now come monthly\n")
    done = run(command, repository, AUDIT_LOGS=logs)
    assert done.returncode == 0, done.stdout + done.stderr


def test_with_a_registry_its_workflow_tells_only_what_the_commit_changes(
    repository: Path, finished_demo: FinishedDemo, tmp_path: Path
) -> None:
    """The registry's limit is a tighter one by now. That is nobody's change; a rule that grants more days is."""
    token = tmp_path / "token"
    with RegistryServer(tmp_path) as registry:
        token.write_text(registry.tokens["admin"])
        where = ("--url", registry.url, "--token-file", token)
        done = sidecar_command("registry", "import", with_max_age_days(finished_demo, 15), *where)
        assert done.returncode == 0, done.stderr
        command = steps(repository, "check")["Backtest"]
        asked = {
            "AUDIT_LOGS": str(finished_demo.root / "audit"),
            "POLICY_TARGET": registry.url,
            "SIDECAR_REGISTRY_TOKEN": registry.tokens["reader"],
        }
        unchanged = run(command, repository, **asked, BEFORE="HEAD")
        rule = repository / "policy/guards/staleness/request/staleness.rego"
        rule.write_text(rule.read_text().replace("max_age_days * 86400", "max_age_days * 259200"))
        changed = run(command, repository, **asked, BEFORE="HEAD")
        first = run(command, repository, **asked, BEFORE="0" * 40)
    assert (unchanged.returncode, "  0 of them different" in unchanged.stdout) == (0, True), unchanged
    assert (changed.returncode, "that staleness refused" in changed.stdout) == (1, True), changed
    assert "against what policy" not in first.stdout, first
    assert " records looked at, with policy " in first.stdout, first


def test_its_workflow_refuses_a_change_that_breaks_a_rule(repository: Path) -> None:
    path = repository / "policy/guards/office_hours/request/office_hours.rego"
    path.write_text(path.read_text().replace("hour < hours.last", "hour <= hours.last"))
    done = run(steps(repository, "check")["Check"], repository)
    assert done.returncode == 1
    assert "office_hours_test.rego" in done.stdout
    done = run(steps(repository, "publish")["Build"], repository, POLICY_SIGNING_KEY=private_pem(EC).decode())
    assert (done.returncode, "differs from the commit" in done.stderr) == (1, True)


def test_its_hooks_keep_a_commit_from_being_wrong(repository: Path) -> None:
    [hooks] = yaml.safe_load((repository / ".pre-commit-config.yaml").read_text())["repos"]
    entries = " && ".join(hook["entry"] for hook in hooks["hooks"])
    hook = repository / ".git/hooks/pre-commit"
    hook.write_text(f"#!/bin/sh\nPATH={Path(sys.executable).parent}:$PATH\n{entries}\n")
    hook.chmod(0o755)
    guard = repository / "policy/guards/office_hours/request/office_hours.rego"
    good = guard.read_text()
    guard.write_text(good.replace("#   control: OPS-1\n", ""))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        git(repository, "commit", "--quiet", "--all", "--message", "Say less")
    assert "has no custom.control" in refused.value.stdout + refused.value.stderr
    guard.write_text(good + "\n# Nobody answers at night.\n")
    git(repository, "commit", "--quiet", "--all", "--message", "Say more")
    assert git(repository, "log", "--format=%s") == "Say more\nStart"
