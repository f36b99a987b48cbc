from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.registry_api import MODEL, told

if TYPE_CHECKING:
    from tests.registry_api import Api

PATH = "/v1/group-means/credit/proposals"


def proposal(a: float, b: float = 0.48, n: int = 800) -> dict[str, Any]:
    return {"means": {"a": a, "b": b}, "evidence": {"groups": {"a": {"n": n}, "b": {"n": n}}}}


@pytest.fixture
async def credit(api: Api) -> Api:
    await api.good("PUT", "/v1/models/credit", MODEL)
    return api


async def test_the_first_means_wait_for_another_person(credit: Api) -> None:
    proposed = await credit.ask("POST", PATH, proposal(0.5), "steward")
    assert (proposed.status_code, proposed.json()["state"]) == (201, "open")
    activate = f"{PATH}/{proposed.json()['id']}/activate"
    assert told(await credit.ask("POST", activate, role="admin"))[0] == 403
    active = await credit.good("POST", activate, role="person")
    assert (active["state"], active["decided_by"]) == ("active", "person")
    assert (await credit.good("GET", "/v1/data"))["group_mean"] == {"credit": {"a": 0.5, "b": 0.48}}


async def test_who_proposed_does_not_activate(credit: Api) -> None:
    made = await credit.good("POST", PATH, proposal(0.5), "person")
    assert told(await credit.ask("POST", f"{PATH}/{made['id']}/activate", role="person"))[0] == 403


async def test_within_the_rule_means_become_active_by_themselves(credit: Api) -> None:
    await credit.good("PUT", "/v1/group-means/credit", {"means": {"a": 0.5, "b": 0.48}})
    assert (await credit.good("POST", PATH, proposal(0.51), "steward"))["state"] == "active"
    waits = await credit.good("POST", PATH, proposal(0.6), "steward")
    assert (waits["state"], "group a moves by 0.09" in waits["why"]) == ("open", True)
    listed = (await credit.good("GET", PATH, role="reader"))["items"]
    assert [each["state"] for each in listed] == ["open", "active"]


async def test_a_proposal_is_rejected_with_a_reason_and_then_is_decided(credit: Api) -> None:
    made = await credit.good("POST", PATH, proposal(0.5), "steward")
    path = f"{PATH}/{made['id']}"
    assert told(await credit.ask("POST", f"{path}/reject", {"why": ""}))[0] == 422
    rejected = await credit.good("POST", f"{path}/reject", {"why": "the wrong week"})
    assert (rejected["state"], rejected["why"]) == ("rejected", "the wrong week")
    assert told(await credit.ask("POST", f"{path}/activate", role="person"))[0] == 409


async def test_a_path_names_the_proposals_own_model(credit: Api) -> None:
    await credit.good("PUT", "/v1/models/other", MODEL)
    made = await credit.good("POST", PATH, proposal(0.5), "steward")
    for number in (made["id"], 999):
        path = f"/v1/group-means/other/proposals/{number}/activate"
        assert told(await credit.ask("POST", path, role="person")) == (404, [f"other has no proposal {number}"])


async def test_all_problems_of_a_proposal_are_told(credit: Api) -> None:
    refused = await credit.ask("POST", PATH, {"means": {"a": "high", "z": 1}, "colour": "red"})
    status, problems = told(refused)
    assert status == 422
    assert len(problems) >= 4
