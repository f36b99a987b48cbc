"""Group means out of a running sidecar's log, by proposal and a person's word, and back into its decisions.

What is expected is worked out here from the scores that the model server gave, by other means than the registry's.
"""

from __future__ import annotations

import json
import statistics
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.e2e.demos import sidecar_command
from tests.e2e.test_run import BODY, PATH
from tests.process import example_data, sidecar, wait_until
from tests.servers.registry import RegistryServer
from tests.upstream import recording_server

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from tests.process import Sidecar
    from tests.upstream import RecordingServer

RULES = {"explanation": "off", "fairness_band": "shadow", "group_mean_band": "off", "disparate_impact": "off"}
A = [0.60 + number / 1_000 for number in range(20)]
B = [0.30 + number / 1_000 for number in range(12)]


@dataclass
class Setting:
    """One sidecar with its model server, and a registry that has its data."""

    running: Sidecar
    upstream: RecordingServer
    registry: RegistryServer

    def predict(self, group: str, scores: Sequence[float], **headers: str) -> list[int]:
        """The statuses of so many calls."""
        statuses: list[int] = []
        for self.upstream.score in scores:
            statuses.append(self.running.infer(PATH, BODY, X_Protected_Group=group, **headers).status)
        return statuses

    def modes(self) -> dict[str, str]:
        """By rule, as the sidecar has them."""
        return self.running.status()["models"]["credit"]["rules"]

    def command(self, *arguments: object, role: str = "admin", code: int = 0) -> str:
        """`sidecar registry …` by a role; what it printed."""
        token = self.registry.folder / f"{role}.token"
        token.write_text(self.registry.tokens[role])
        flags = ["--url", self.registry.url, "--token-file", token]
        done = sidecar_command("registry", *arguments, *flags)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def refresh(self, *flags: str) -> Any:
        """A proposal out of all that is on record by now, as a service makes it."""
        wait_until(lambda: self.running.status()["audit"]["unsigned"] == 0)
        audit_dir = self.running.folder / "audit"
        flags = flags or ("--since", "1h", "--json")
        return json.loads(self.command("refresh-means", "credit", audit_dir, *flags, role="steward"))


@contextmanager
def setting(folder: Path) -> Generator[Setting]:
    data = example_data(rules=RULES, means={"max_drift": 0.02, "min_n": 10})
    (folder / "registry").mkdir()
    with (
        recording_server() as upstream,
        RegistryServer(folder / "registry") as registry,
        sidecar(folder, upstream.url, data=data) as running,
    ):
        made = Setting(running, upstream, registry)
        made.command("import", running.data_file)
        yield made


def test_means_come_out_of_the_log_and_go_back_into_decisions(tmp_path: Path) -> None:
    with setting(tmp_path) as here:
        assert here.predict("a", A) == [200] * 20
        assert here.predict("b", B) == [200] * 12
        assert here.predict("a", [0.99] * 3, X_Data_Version="stale") == [403] * 3
        waiting = here.refresh()
        evidence = waiting["evidence"]
        assert waiting["state"] == "open"
        assert waiting["why"].startswith("group a moves by 0.1095, from 0.5 to 0.6095; 0.02 is allowed")
        assert waiting["means"] == {"a": round(statistics.fmean(A), 12), "b": round(statistics.fmean(B), 12)}
        assert {group: figures["n"] for group, figures in evidence["groups"].items()} == {"a": 20, "b": 12}
        assert [log["log"] for log in evidence["logs"]] == [here.running.status()["audit"]["log"]]

        here.command("proposals", "activate", "credit", waiting["id"], role="steward", code=1)
        here.command("proposals", "activate", "credit", waiting["id"], role="person")
        here.predict("a", [0.61] * 10)
        assert here.refresh()["state"] == "active"
        window = evidence["window"]
        repeated = here.refresh("--since", window["since"], "--until", window["until"], "--dry-run")
        assert repeated["means"] == waiting["means"]
        assert repeated["evidence"]["groups"] == evidence["groups"]

        mode = here.registry.ask("PUT", "/v1/models/credit/rules/fairness_band", {"mode": "enforce"}, role="engineer")
        assert mode.status == 200
        here.command("export", "-o", here.running.data_file, role="reader")
        wait_until(lambda: here.modes()["fairness_band"] == "enforce")
        assert here.predict("a", [0.61, 0.50]) == [200, 403]
        assert here.predict("b", [0.31, 0.48]) == [200, 403]


def test_status_of_the_policy_counts_what_the_log_has(tmp_path: Path) -> None:
    """Scores beyond 10 % of 0.5: a would-deny of `fairness_band`, which is in shadow."""
    with setting(tmp_path) as here:
        here.predict("a", [0.5, 0.54, 0.56, 0.7])
        here.predict("a", [0.5], X_Data_Version="stale")
        admin = here.running.admin_url.removeprefix("http://")
        shown = sidecar_command("policy", "status", "--admin", admin, "--json")
        assert shown.returncode == 0, shown.stderr
        rules = {row["rule"]: row for row in json.loads(shown.stdout)["rules"]}
        assert {rule: row["modes"] for rule, row in rules.items()} == {
            rule: {mode: 1} for rule, mode in here.modes().items()
        }
        assert here.modes() == RULES | dict.fromkeys(("staleness", "consent", "provenance"), "enforce")
        counts = {rule: (row["judged"], row["would_deny"], row["refused"]) for rule, row in rules.items()}
        assert counts["fairness_band"] == (5, 2, 0)
        assert counts["staleness"] == (5, 0, 1)
        assert rules["fairness_band"]["would_deny_rate"] == 0.4
