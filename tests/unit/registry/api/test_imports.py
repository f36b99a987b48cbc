from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.registries import pseudonym
from tests.registry_api import DATASET, MODEL, told

if TYPE_CHECKING:
    from tests.registry_api import Api

PATH = "/v1/import"


async def test_records_of_all_kinds_come_in_one_change(api: Api) -> None:
    document = {
        "datasets": {"child": DATASET | {"parents": ["loans"]}, "loans": DATASET},
        "models": {"credit": MODEL},
        "group_mean": {"credit": {"means": {"a": 0.5, "b": 0.48}}},
        "revocations": {"tokens": {pseudonym(1): {}}, "subjects": {pseudonym(2): {"reason": "asked"}}},
        "objections": {"subjects": {pseudonym(3): {}}},
    }
    changed = {"dataset": 2, "model": 1, "group_mean": 1, "revoked_token": 1, "revoked_subject": 1, "objection": 1}
    assert await api.good("POST", PATH, document) == {"changed": changed}
    assert len({each["sequence"] for each in (await api.good("GET", "/v1/history"))["items"]}) == 1


async def test_one_wrong_record_keeps_all_out_and_every_problem_is_told(api: Api) -> None:
    document = {"datasets": {"loans": DATASET, "bad": {}, "worse": {"colour": 1}}}
    status, problems = told(await api.ask("POST", PATH, document))
    assert status == 422
    assert {problem.split(":")[0] for problem in problems} == {
        *("datasets.bad.created_unix_s", "datasets.bad.consent_scopes"),
        *("datasets.worse.colour", "datasets.worse.created_unix_s", "datasets.worse.consent_scopes"),
    }
    assert (await api.good("GET", "/v1/datasets"))["items"] == []


@pytest.mark.parametrize(
    "document",
    [{"dataset": {}}, {"datasets": []}, {"datasets": {"a": 1}}, {"revocations": {"people": {}}}, {"extra": 1}],
)
async def test_other_forms_are_refused(api: Api, document: object) -> None:
    assert told(await api.ask("POST", PATH, document))[0] == 422
