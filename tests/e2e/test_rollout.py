"""From a commit to every engine: a rule's change, judged beforehand, reaches three sidecars under load."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.deployment import Keys, Load, fill, opa_config, publish, replicas, sidecar_ok
from tests.process import example_data, wait_until
from tests.servers.postgres import PostgresServer, require_postgres
from tests.servers.registry import RegistryServer
from tests.upstream import recording_server

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.e2e.deployment import Replica, Seen
    from tests.upstream import RecordingServer

pytestmark = pytest.mark.heavy

RULE = "policy/guards/office_hours/request/office_hours.rego"
CONDITION = "\thour >= hours.first\n\thour < hours.last\n}"
STRICTER = "\thour >= hours.first\n\thour < hours.last\n\tnot is_closed\n}"
DEFINITION = """
is_closed if input.attributes.data_version.value in hours.closed_to
"""
TEST = """
# METADATA
# title: Test closed data
# description: Data to which the hours are closed is refused at any time.
test_deny_closed_data if {
	question := object.union(open_question, {"attributes": {"data_version": {"value": "aged"}}})
	closed := object.union(hours, {"closed_to": ["aged"]})
	not data.guards.office_hours.request.pass with input as question with data.models.credit.hours_utc as closed
}
"""


@dataclass(frozen=True)
class Repository:
    """A policy repository, with its history in Git."""

    root: Path

    @classmethod
    def started(cls, root: Path) -> Repository:
        """As `sidecar policy init` makes it."""
        sidecar_ok("policy", "init", root)
        made = cls(root)
        made.git("init", "--quiet")
        made.commit("Start from the shipped rules")
        return made

    def git(self, *words: str) -> str:
        identity = ["-c", "user.name=ana", "-c", "user.email=ana@example.com"]
        done = subprocess.run(["git", *identity, *words], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, why: str) -> str:
        """Of all that there is; its name."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", why)
        return self.git("rev-parse", "HEAD")

    def tighten(self) -> None:
        """One more condition of a rule."""
        rule = self.root / RULE
        text = rule.read_text()
        assert text.count(CONDITION) == 2  # where it passes, and where its refusal is explained
        rule.write_text(text.replace(CONDITION, STRICTER) + DEFINITION)


@pytest.fixture
def postgres() -> Generator[PostgresServer]:
    require_postgres()
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def facts() -> dict[str, Any]:
    """Policy data with a data version that the change shuts out."""
    data = example_data(hours_utc={"first": 0, "last": 24, "closed_to": ["aged"]})
    data["models"]["credit"]["rules"] |= {"office_hours": "enforce"}
    data["datasets"]["aged"] = {**data["datasets"]["fresh"], "created_unix_s": int(time.time()) - 20 * 86_400}
    return data


def set_rule(registry: RegistryServer, rule: str, mode: str) -> None:
    """One change in the registry."""
    found = registry.ask("GET", "/v1/models/credit")
    tag = {name.lower(): value for name, value in found.headers.items()}["etag"]
    done = registry.ask("PUT", f"/v1/models/credit/rules/{rule}", {"mode": mode}, If_Match=tag)
    assert done.status == 200, done.body


def settled(load: Load, status: int, revision: str, since_s: float) -> float:
    """Seconds from `since_s` until every replica answers with this status under this commit."""

    def newest(number: int) -> Seen | None:
        return next((seen for seen in reversed(load.seen) if seen.replica == number), None)

    def is_there() -> bool:
        found = [newest(number) for number in range(len(load.running))]
        return all(seen is not None and seen.status == status and revision in seen.revision for seen in found)

    wait_until(is_there)
    return time.monotonic() - since_s


def check_judged(running: list[Replica], load: Load, model: RecordingServer) -> None:
    """Every call was let through or refused by the rule; what reached the model has an INTENT that allows it."""
    assert {(seen.status, seen.codes) for seen in load.seen} == {(200, ()), (403, ("outside_hours",))}
    records = [record for replica in running for record in replica.sidecar.records()]
    permitted = {record["decision_id"] for record in records if record["kind"] == "INTENT"}
    refused = {record["decision_id"] for record in records if record["kind"] == "REFUSAL"}
    assert {seen.decision_id for seen in load.seen if seen.status == 200} <= permitted
    assert {seen.decision_id for seen in load.seen if seen.status == 403} <= refused
    assert all(record["decision"]["allow"] for record in records if record["kind"] == "INTENT")
    reached = [{name.lower(): value for name, value in headers.items()} for _, headers, _ in model.received]
    assert {headers["x-decision-id"] for headers in reached} <= permitted


def test_a_commit_reaches_three_sidecars_under_load(tmp_path: Path, postgres: PostgresServer) -> None:
    keys = Keys.made(tmp_path, "policy")
    registry_key = Keys.made(tmp_path, "registry")
    database = postgres.url(postgres.new_database())
    sidecar_ok("registry", "migrate", "--database", database)
    repository = Repository.started(tmp_path / "policy-repository")
    policy, data_file = repository.root / "policy", repository.root / "data.json"
    flags = ("--policy-key", str(keys.public), "--signing-key", str(registry_key.private))
    with recording_server() as model, RegistryServer(tmp_path, *flags, database=database) as registry:
        fill(registry, facts())
        publish(registry, policy, keys)
        first = repository.git("rev-parse", "HEAD")
        config = opa_config(registry, registry_key.public, keys.public)
        with replicas(tmp_path, config, model.url, 3) as running:
            load = Load(running, {"X_Data_Version": "aged"})
            with load.drive():
                settled(load, 200, first, time.monotonic())
                started_s = time.monotonic()
                repository.tighten()
                commit = repository.commit("Close the model to aged data")
                sidecar_ok("policy", "check", policy, "--data", data_file, "--coverage", "90", cwd=repository.root)
                checked_s = time.monotonic()
                audits = [replica.sidecar.folder / "audit" for replica in running]
                reader = tmp_path / "reader.token"
                reader.write_text(registry.tokens["reader"])
                told = json.loads(
                    sidecar_ok(
                        *("policy", "backtest", policy, *audits, "--registry", registry.url, "--token-file", reader),
                        *("--json",),
                    )
                )
                tested_s = time.monotonic()
                publish(registry, policy, keys)
                published_s = time.monotonic()
                reached_s = settled(load, 403, commit, published_s)
                set_rule(registry, "office_hours", "shadow")
                toggled_s = settled(load, 200, commit, time.monotonic())
                repository.git("revert", "--no-edit", "HEAD")
                publish(registry, policy, keys)
                settled(load, 200, repository.git("rev-parse", "HEAD"), time.monotonic())
            check_judged(running, load, model)
            assert told
            print(
                f"check {checked_s - started_s:.1f} s, backtest {tested_s - checked_s:.1f} s, build and publish "
                f"{published_s - tested_s:.1f} s, in force {reached_s:.1f} s later, a toggle after {toggled_s:.1f} s; "
                f"{len(load.seen)} calls"
            )
