from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from sidecar.registry.api.records import COLLECTIONS
from tests.registries import NOW_UNIX_S, pseudonym
from tests.registry_api import DATASET, MODEL, serving, told

if TYPE_CHECKING:
    from tests.registries import Opened
    from tests.registry_api import Api

LOANS = "/v1/datasets/loans"


async def test_a_new_record_is_created_and_read_as_it_was_written(api: Api) -> None:
    put = await api.ask("PUT", LOANS, DATASET, "steward")
    whole = {"key": "loans", "version": 1, "changed_unix_s": NOW_UNIX_S, "changed_by": "steward", "body": DATASET}
    assert (put.status_code, put.headers["ETag"], put.json()) == (201, '"1"', whole)
    got = await api.ask("GET", LOANS, role="reader")
    assert (got.status_code, got.headers["ETag"], got.json()) == (200, '"1"', whole)


async def test_a_change_names_the_version_that_it_builds_on(api: Api) -> None:
    await api.good("PUT", LOANS, DATASET)
    other = DATASET | {"source": "s3://loans"}
    unnamed = await api.ask("PUT", LOANS, other)
    assert told(unnamed) == (428, ["dataset loans is there, at version 1: name the version to build on, with If-Match"])
    changed = await api.ask("PUT", LOANS, other, If_Match='"1"')
    assert (changed.status_code, changed.headers["ETag"], changed.json()["body"]) == (200, '"2"', other)
    stale = await api.ask("PUT", LOANS, DATASET, If_Match='"1"')
    assert told(stale)[0] == 412
    assert (await api.good("GET", LOANS))["body"] == other


async def test_what_must_be_new_is(api: Api) -> None:
    assert (await api.ask("PUT", LOANS, DATASET, If_None_Match="*")).status_code == 201
    assert told(await api.ask("PUT", LOANS, DATASET | {"checksum": "x"}, If_None_Match="*"))[0] == 412
    assert (await api.good("GET", LOANS))["version"] == 1


async def test_of_many_who_change_one_version_at_once_one_does(opened: Opened) -> None:
    async with serving(opened) as api:
        await _race_to_change(api)


async def _race_to_change(api: Api) -> None:
    await api.good("PUT", LOANS, DATASET)
    bodies = [DATASET | {"checksum": str(number)} for number in range(12)]
    answers = await asyncio.gather(*(api.ask("PUT", LOANS, body, If_Match='"1"') for body in bodies))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [412] * 11
    [winner] = [body for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 200]
    record = await api.good("GET", LOANS)
    assert (record["version"], record["body"]) == (2, winner)
    history = await api.good("GET", "/v1/history?kind=dataset")
    assert [change["after"] for change in history["items"]] == [DATASET, winner]


async def test_of_many_who_create_one_record_at_once_one_does(opened: Opened) -> None:
    async with serving(opened) as api:
        await _race_to_create(api)


async def _race_to_create(api: Api) -> None:
    bodies = [DATASET | {"checksum": str(number)} for number in range(8)]
    answers = await asyncio.gather(*(api.ask("PUT", LOANS, body, If_None_Match="*") for body in bodies))
    assert sorted(answer.status_code for answer in answers)[1:] == [412] * 7
    assert (await api.good("GET", LOANS))["version"] == 1


async def test_deleting_names_the_version_too(api: Api) -> None:
    await api.good("PUT", LOANS, DATASET)
    assert told(await api.ask("DELETE", LOANS))[0] == 428
    assert told(await api.ask("DELETE", LOANS, If_Match='"7"'))[0] == 412
    deleted = await api.ask("DELETE", LOANS, If_Match='"1"')
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert told(await api.ask("GET", LOANS)) == (404, ["there is no datasets record of this key"])
    assert told(await api.ask("DELETE", LOANS, If_Match='"1"'))[0] == 404


async def test_what_others_descend_from_stays(api: Api) -> None:
    await api.good("PUT", LOANS, DATASET)
    await api.good("PUT", "/v1/datasets/child", DATASET | {"parents": ["loans"]})
    assert told(await api.ask("DELETE", LOANS, If_Match='"1"'))[0] == 409


async def test_all_problems_of_a_body_are_told_at_once(api: Api) -> None:
    refused = await api.ask("PUT", LOANS, {"created_unix_s": "now", "parents": 1, "colour": "red"})
    assert told(refused) == (
        422,
        [
            "datasets.loans.colour: not known",
            "datasets.loans.created_unix_s: must be a number",
            "datasets.loans.consent_scopes: must be a list of strings",
            "datasets.loans.parents: must be a list of strings",
        ],
    )


@pytest.mark.parametrize("key", ["a/b", "100%", "ä ö", "a?b#c", "x'; DROP TABLE dataset; --", "a+b", "..a"])
async def test_any_visible_key_is_one_segment(api: Api, key: str) -> None:
    path = "/v1/datasets/" + quote(key, safe="")
    assert (await api.ask("PUT", path, DATASET)).status_code == 201
    assert (await api.good("GET", path))["key"] == key
    assert [item["key"] for item in (await api.good("GET", "/v1/datasets"))["items"]] == [key]


@pytest.mark.parametrize("segment", ["%00", "a%0Ab", "%FF", "%E2%80%A8", "x" * 257])
async def test_other_keys_are_refused_in_every_way_of_asking(api: Api, segment: str) -> None:
    path = "/v1/datasets/" + segment
    assert told(await api.ask("GET", path))[0] == 422
    assert told(await api.ask("PUT", path, DATASET))[0] == 422
    assert told(await api.ask("DELETE", path, If_Match='"1"'))[0] == 422


async def test_pages_follow_one_another(api: Api) -> None:
    keys = [f"d{number}" for number in range(5)]
    for key in keys:
        await api.good("PUT", f"/v1/datasets/{key}", DATASET)
    first = await api.good("GET", "/v1/datasets?limit=3")
    assert ([item["key"] for item in first["items"]], first["next"]) == (keys[:3], "d2")
    second = await api.good("GET", "/v1/datasets?limit=3&after=d2")
    assert ([item["key"] for item in second["items"]], second["next"]) == (keys[3:], None)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=" + "x" * 257])
async def test_pages_have_bounds(api: Api, query: str) -> None:
    assert told(await api.ask("GET", "/v1/datasets?" + query))[0] == 422


async def test_each_kind_has_its_path(api: Api) -> None:
    await api.good("PUT", "/v1/models/credit", MODEL)
    await api.good("PUT", "/v1/group-means/credit", {"means": {"a": 0.5, "b": 0.48}})
    await api.good("POST", "/v1/revocations", {"tokens": [pseudonym(1)]})
    await api.good("POST", "/v1/revocations", {"subjects": [pseudonym(2)]})
    await api.good("POST", "/v1/objections", {"subjects": [pseudonym(3)]})
    await api.good("PUT", LOANS, DATASET)
    found = {each.path: (await api.good("GET", f"/v1/{each.path}"))["items"][0]["key"] for each in COLLECTIONS}
    assert found == {
        "datasets": "loans",
        "models": "credit",
        "group-means": "credit",
        "revocations/tokens": pseudonym(1),
        "revocations/subjects": pseudonym(2),
        "objections/subjects": pseudonym(3),
    }


async def test_a_rule_goes_to_another_mode_by_one_change(api: Api) -> None:
    await api.good("PUT", "/v1/models/credit", MODEL)
    changed = await api.ask("PUT", "/v1/models/credit/rules/staleness", {"mode": "shadow"}, "engineer")
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    assert changed.json()["body"] == MODEL | {"rules": {"staleness": "shadow"}}
    stale = await api.ask("PUT", "/v1/models/credit/rules/staleness", {"mode": "off"}, If_Match='"1"')
    assert told(stale)[0] == 412


@pytest.mark.parametrize("body", [{"mode": "on"}, {"mode": "off", "why": "x"}, {}, {"mode": 1}])
async def test_a_mode_is_one_of_three_words(api: Api, body: object) -> None:
    await api.good("PUT", "/v1/models/credit", MODEL)
    assert told(await api.ask("PUT", "/v1/models/credit/rules/staleness", body))[0] == 422


async def test_a_rule_of_no_model_is_missing(api: Api) -> None:
    assert told(await api.ask("PUT", "/v1/models/none/rules/staleness", {"mode": "off"}))[0] == 404
