"""The demo's log replayed as a user would: nothing differs under its own policy, and exactly what must under another.

What is expected is worked out here from the records alone, by other means than the replay's.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.policy.child import find_opa
from tests.e2e.demos import sidecar_command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.demos import FinishedDemo

pytestmark = pytest.mark.heavy

DAY_S = 86_400


@dataclass(frozen=True)
class Demo:
    """One demo's folder, and its records."""

    root: Path
    engine: str
    records: list[dict[str, Any]]

    def replay(self, *arguments: str | Path, code: int) -> dict[str, Any]:
        done = sidecar_command("audit", "replay", self.root / "audit", "--json", *arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def with_max_age_days(self, days: int) -> Path:
        """The demo's data with another limit."""
        data = json.loads((self.root / "data.json").read_text())
        data["models"]["credit"]["max_age_days"] = days
        path = self.root / f"data-{days}.json"
        path.write_text(json.dumps(data))
        return path


@pytest.fixture(scope="module")
def demo(finished_demo: FinishedDemo) -> Demo:
    exported = sidecar_command("audit", "export", finished_demo.root / "audit")
    records = [json.loads(line) for line in exported.stdout.splitlines()]
    return Demo(finished_demo.root, finished_demo.engine, records)


def _judged(demo: Demo) -> list[dict[str, Any]]:
    """Records with a decision in the policy's words: each of its reasons names a rule."""
    return [
        record
        for record in demo.records
        if record.get("input") and all("rule" in reason for reason in record["decision"]["reasons"])
    ]


def _ages_days(demo: Demo) -> dict[str, float]:
    """Of each permitted request's data, by decision id, when it was judged."""
    datasets = json.loads((demo.root / "data.json").read_text())["datasets"]
    return {
        record["decision_id"]: (record["input"]["time"]["unix_s"] - datasets[version]["created_unix_s"]) / DAY_S
        for record in demo.records
        if record["kind"] == "INTENT" and record["decision"]["allow"]
        for version in [record["input"]["attributes"]["data_version"]["value"]]
    }


def test_under_its_own_policy_nothing_differs(demo: Demo) -> None:
    found = demo.replay(code=0)
    assert found["different"]["total"] == 0
    assert found["differences"] == found["changed"] == []
    assert found["replayed"] == found["same"] == len(_judged(demo)) > 300
    assert found["engines"] == {demo.engine: found["replayed"]}


def test_all_records_are_accounted_for(demo: Demo) -> None:
    found = demo.replay(code=0)
    assert found["records"] == len(demo.records)
    assert found["records"] == found["replayed"] + found["not_replayed"] + sum(found["undecided"].values())
    told = {(obstacle["why"], obstacle["detail"]) for obstacle in found["obstacles"]}
    assert told == {
        ("before_policy", "body_malformed"),
        ("before_policy", "management_forbidden"),
        ("by_sidecar", "attribute_conflict"),
        ("by_sidecar", "model_throttled"),
    }


def test_with_half_the_age_limit_exactly_the_data_between_both_is_refused(demo: Demo) -> None:
    expected = {decision for decision, age_days in _ages_days(demo).items() if 15 < age_days <= 30}
    found = demo.replay("--data", demo.with_max_age_days(15), code=1)
    differences = {(one["decision_id"], one["change"], *one["rules"]) for one in found["differences"]}
    assert differences == {(decision, "allow_to_deny", "staleness") for decision in expected}
    assert found["different"]["total"] == len(found["differences"]) == len(expected) > 10
    assert sum(row["count"] for row in found["changed"]) == len(expected)


def test_with_a_looser_limit_the_stale_are_let_through_and_that_is_told_first(demo: Demo) -> None:
    stale = {
        record["decision_id"]
        for record in demo.records
        if record["kind"] == "REFUSAL"
        and [reason["code"] for reason in record["decision"]["reasons"]] == ["data_stale"]
    }
    found = demo.replay("--data", demo.with_max_age_days(100), code=1)
    assert {one["decision_id"] for one in found["differences"] if one["change"] == "deny_to_allow"} == stale != set()
    done = sidecar_command("audit", "replay", demo.root / "audit", "--data", demo.with_max_age_days(100))
    assert done.stdout.startswith(f"denied then, allowed now: {len(stale)}\n")
    assert done.returncode == 1


def test_a_span_of_time_and_the_other_engine(demo: Demo) -> None:
    last_s = demo.records[-1]["time_unix_ns"] // 1_000_000_000
    assert demo.replay("--since", _iso(last_s + 3_600), code=1)["records"] == 0
    other = "embedded" if demo.engine == "opa" else "opa"
    if other == "opa" and find_opa() is None:
        pytest.skip("no OPA here: run scripts/install-opa")
    found = demo.replay("--until", _iso(last_s + 3_600), "--engine", other, code=0)
    assert (found["records"], found["engines"]) == (len(demo.records), {other: found["replayed"]})


def _iso(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat()


def test_without_the_kept_policy_it_says_so(demo: Demo, tmp_path: Path) -> None:
    copy = tmp_path / "audit"
    shutil.copytree(demo.root / "audit", copy, ignore=shutil.ignore_patterns("policies"))
    done = sidecar_command("audit", "replay", copy)
    assert done.returncode == 1
    assert "the policy that decided is not kept; give one with --policy" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--since", "yesterday"), "is no time"),
        (("--policy", "{root}/data.json"), "the bundle cannot be read"),
        (("--data", "{root}/jwks.json"), "not accepted as data"),
    ],
)
def test_what_cannot_be_done_is_said(demo: Demo, arguments: tuple[str, ...], problem: str) -> None:
    given = [argument.replace("{root}", str(demo.root)) for argument in arguments]
    done = sidecar_command("audit", "replay", demo.root / "audit", *given)
    assert (done.returncode, problem in done.stderr) == (2, True), done.stderr


def test_a_folder_without_a_log_is_bad_usage(tmp_path: Path) -> None:
    done = sidecar_command("audit", "replay", tmp_path)
    assert done.returncode == 2
    assert "no log" in done.stderr
