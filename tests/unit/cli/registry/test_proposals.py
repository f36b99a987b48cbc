"""`sidecar registry proposals`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.servers.registry import RegistryServer
    from tests.unit.cli.registry.conftest import Call


def proposed(server: RegistryServer, model: str, a: float, evidence: dict[str, Any] | None = None) -> Any:
    figures = {"n": 100, "lower": a - 0.01, "upper": a + 0.01}
    body = {"means": {"a": a, "b": 0.25}, "evidence": evidence or {"groups": {"a": figures, "b": {"n": 99}}}}
    return server.ask("POST", f"/v1/group-means/{model}/proposals", body, role="steward").json


def test_people_see_what_waits_and_what_it_rests_on(server: RegistryServer, call: Call, model: str) -> None:
    assert call("proposals", "list", model).stdout == f"{model} has no proposals\n"
    number = proposed(server, model, 0.5)["id"]
    lines = call("proposals", "list", model, role="reader").stdout.splitlines()
    assert re.fullmatch(r"  proposed by steward, 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z", lines.pop(1))
    assert lines == [
        f"proposal {number} for {model}: open",
        "  the model has no group means yet: the first ones are a person's word",
        "  a: 0.5, of 100 predictions, 95 % between 0.49 and 0.51",
        "  b: 0.25",
    ]


def test_machines_get_all_of_the_evidence(server: RegistryServer, call: Call, model: str) -> None:
    made = proposed(server, model, 0.5)
    assert json.loads(call("proposals", "list", model, "--json").stdout) == [made]


def test_a_person_activates_and_a_service_does_not(server: RegistryServer, call: Call, model: str) -> None:
    number = proposed(server, model, 0.5)["id"]
    refused = call("proposals", "activate", model, number)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith(f"sidecar: proposal {number} waits for a person's word: ")
    done = call("proposals", "activate", model, number, role="person")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (0, f"proposal {number} for {model}: active, by person")
    assert server.ask("GET", "/v1/data").json["group_mean"][model] == {"a": 0.5, "b": 0.25}


def test_one_is_rejected_with_a_reason(server: RegistryServer, call: Call, model: str) -> None:
    number = proposed(server, model, 0.5)["id"]
    assert call("proposals", "reject", model, number).exit_code == 2
    done = json.loads(call("proposals", "reject", model, number, "--why", "an odd week", "--json").stdout)
    assert (done["state"], done["why"], done["decided_by"]) == ("rejected", "an odd week", "admin")
    again = call("proposals", "activate", model, number, role="person")
    assert (again.exit_code, again.stderr) == (1, f"sidecar: proposal {number} is rejected already, by admin\n")


def test_what_others_wrote_does_not_steer_the_terminal(server: RegistryServer, call: Call, model: str) -> None:
    figures = {"n": "\x1b[2J", "lower": 0, "upper": 1}
    proposed(server, model, 0.5, {"groups": {"a": figures, "b": 7}})
    shown = call("proposals", "list", model)
    assert (shown.exit_code, "\x1b" in shown.stdout) == (0, False)


@pytest.mark.parametrize("verb", ["activate", "reject"])
def test_there_must_be_one_of_this_number(call: Call, model: str, verb: str) -> None:
    flags = ["--why", "no"] if verb == "reject" else []
    shown = call("proposals", verb, model, 999, *flags, role="person")
    assert (shown.exit_code, shown.stderr) == (1, f"sidecar: {model} has no proposal 999\n")
