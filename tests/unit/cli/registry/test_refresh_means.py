"""`sidecar registry refresh-means`: from logs to a proposal."""

from __future__ import annotations

import json
import shutil
import statistics
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.ledger.checkpoint import claimed_checkpoint
from sidecar.ledger.segments import segment_files
from tests.unit.registry.means.scored import Scored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers.registry import RegistryServer
    from tests.unit.cli.registry.conftest import Call

A = [0.5 + number / 1_000 for number in range(30)]
B = [0.25 + number / 1_000 for number in range(25)]
WINDOW = ["--since", "2026-11-20", "--until", "2026-12-20"]


def written(folder: Path, model: str, *, shift: float = 0.0, name: str = "audit") -> Scored:
    """A log with 30 predictions of group a and 25 of b, two of another group, and one of each that was refused."""
    log = Scored(folder, name)
    for group, scores in (("a", A), ("b", B), ("z", [0.9, 0.9])):
        for score in scores:
            log.exchange([group], [score + shift], model=model)
    log.exchange(["a"], [0.0], model=model, result="refused")
    log.exchange(["a"], [0.0], model="another")
    log.close()
    return log


def test_the_first_means_wait_for_a_person(server: RegistryServer, call: Call, model: str, tmp_path: Path) -> None:
    log = written(tmp_path, model)
    shown = call("refresh-means", model, log.audit_dir, *WINDOW, role="steward")
    assert shown.exit_code == 0, shown.output
    (made,) = server.ask("GET", f"/v1/group-means/{model}/proposals").json["items"]
    number, evidence = made["id"], made["evidence"]
    assert shown.stdout.splitlines()[-1] == (
        f"It waits for a person, who lets it hold by: sidecar registry proposals activate {model} {number}"
    )
    assert made["state"] == "open"
    assert made["means"] == pytest.approx({"a": statistics.fmean(A), "b": statistics.fmean(B)})
    assert {group: figures["n"] for group, figures in evidence["groups"].items()} == {"a": 30, "b": 25}
    assert evidence["groups"]["a"]["stddev"] == pytest.approx(statistics.stdev(A))
    assert evidence["left_out"] == {"other_groups": 2, "without_score": 0, "not_released": 1, "repeated": 0}
    checkpoint = claimed_checkpoint((log.writer.ledger_dir / "checkpoint").read_bytes())
    told = {"log": log.writer.ledger.log_id, "tree_size": checkpoint.size, "root_sha256": checkpoint.root.hex()}
    assert evidence["logs"] == [told | {"first": 0, "end": checkpoint.size}]


def test_later_ones_hold_by_the_models_rule_as_far_as_it_goes(call: Call, model: str, tmp_path: Path) -> None:
    log = written(tmp_path, model)
    number = json.loads(call("refresh-means", model, log.audit_dir, *WINDOW, "--json").stdout)["id"]
    assert call("proposals", "activate", model, number, role="person").exit_code == 0
    near = written(tmp_path, model, shift=0.019, name="near")
    shown = call("refresh-means", model, near.audit_dir, *WINDOW)
    assert (shown.exit_code, "active, by admin" in shown.stdout.splitlines()[0]) == (0, True)
    far = written(tmp_path, model, shift=0.04, name="far")
    made = json.loads(call("refresh-means", model, far.audit_dir, *WINDOW, "--json").stdout)
    assert made["state"] == "open"
    assert made["why"].startswith("group a moves by 0.021, from 0.5335 to 0.5545; 0.02 is allowed")


def test_two_copies_of_a_log_count_once_and_another_person_gets_the_same(
    call: Call, model: str, tmp_path: Path
) -> None:
    log = written(tmp_path, model)
    folders = [log.audit_dir, log.audit_dir / "0"]
    once, twice = (
        json.loads(call("refresh-means", model, *named, *WINDOW, "--dry-run").stdout)
        for named in (folders[:1], [*folders, copied(log, tmp_path)])
    )
    repeated: dict[str, Any] = twice["evidence"]["left_out"]
    assert (repeated.pop("repeated"), once["evidence"]["left_out"].pop("repeated")) == (58, 0)
    assert [entry["log"] for entry in twice["evidence"].pop("logs")] == 2 * [log.writer.ledger.log_id]
    del once["evidence"]["logs"]
    assert once == twice


def copied(log: Scored, folder: Path) -> Path:
    shutil.copytree(log.audit_dir, folder / "copy")
    shutil.copy(log.audit_dir.with_suffix(".pub"), folder / "copy.pub")
    return folder / "copy"


def test_a_dry_run_proposes_nothing(server: RegistryServer, call: Call, model: str, tmp_path: Path) -> None:
    log = written(tmp_path, model)
    shown = call("refresh-means", model, log.audit_dir, *WINDOW, "--dry-run", role="reader")
    assert (shown.exit_code, set(json.loads(shown.stdout))) == (0, {"means", "evidence"})
    assert server.ask("GET", f"/v1/group-means/{model}/proposals").json["items"] == []


def test_a_log_that_does_not_hold_makes_no_proposal(
    server: RegistryServer, call: Call, model: str, tmp_path: Path
) -> None:
    log = written(tmp_path, model)
    (segment,) = segment_files(log.writer.ledger_dir)
    content = bytearray(segment.read_bytes())
    content[content.index(b'"scores":[0.5') + 12] ^= 1
    segment.write_bytes(content)
    shown = call("refresh-means", model, log.audit_dir, *WINDOW)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert f"the log in {log.writer.ledger_dir} does not hold: " in shown.stderr
    assert shown.stderr.endswith("sidecar: nothing is proposed\n")
    assert server.ask("GET", f"/v1/group-means/{model}/proposals").json["items"] == []


@pytest.mark.parametrize(
    ("flags", "few"),
    [
        (["--min-n", 26], ["group b has 25 released predictions with a score; 26 are needed"]),
        (
            ["--since", "2026-11-01", "--until", "2026-11-02"],
            [f"group {group} has 0 released predictions with a score; 20 are needed" for group in "ab"],
        ),
    ],
)
def test_a_group_with_too_few_predictions_makes_no_proposal(
    call: Call, model: str, tmp_path: Path, flags: list[str], few: list[str]
) -> None:
    """Without --min-n it is the number that the model's rule asks for."""
    log = written(tmp_path, model)
    shown = call("refresh-means", model, log.audit_dir, *WINDOW, *flags)
    assert shown.exit_code == 1
    assert shown.stderr.splitlines() == [f"sidecar: {line}" for line in (*few, "nothing is proposed")]


def test_a_model_must_be_there_and_have_groups(server: RegistryServer, call: Call, model: str, tmp_path: Path) -> None:
    log = written(tmp_path, model)
    assert call("refresh-means", "nobody", log.audit_dir, *WINDOW).stderr == (
        "sidecar: the registry has no model nobody\n"
    )
    rules = dict.fromkeys(("fairness_band", "group_mean_band", "disparate_impact", "staleness", "consent"), "off")
    assert server.ask("PUT", "/v1/models/groupless", {"rules": rules}).status == 201
    shown = call("refresh-means", "groupless", log.audit_dir, *WINDOW)
    told = "sidecar: model groupless declares no groups: there is nothing to take means of\n"
    assert (shown.exit_code, shown.stderr) == (1, told)


def test_where_there_is_no_log_it_ends_with_2(call: Call, model: str, tmp_path: Path) -> None:
    shown = call("refresh-means", model, tmp_path, *WINDOW)
    assert (shown.exit_code, "holds no log" in shown.stderr) == (2, True)
