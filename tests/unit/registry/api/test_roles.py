"""Every route for every role: who may do what, as one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.policy.compiling import EmbeddedCompiler
from sidecar.policy.examine import Examiner
from sidecar.registry.api.app import fastapi_app
from tests.keys import verifying_key
from tests.registry_api import DATASET, MODEL, serving, told

if TYPE_CHECKING:
    from tests.registries import Opened
    from tests.registry_api import Api

READERS = {"reader", "steward", "engineer", "admin", "person"}
STEWARDS = {"steward", "admin", "person"}
ENGINEERS = {"engineer", "admin", "person"}
OPEN_ROUTES = {"/health/live", "/health/ready", "/metrics", "/openapi.json"}

ALLOWED = {
    ("GET", "/v1/datasets"): READERS,
    ("GET", "/v1/datasets/{key}"): READERS,
    ("PUT", "/v1/datasets/{key}"): STEWARDS,
    ("DELETE", "/v1/datasets/{key}"): STEWARDS,
    ("GET", "/v1/models"): READERS,
    ("GET", "/v1/models/{key}"): READERS,
    ("PUT", "/v1/models/{key}"): ENGINEERS,
    ("DELETE", "/v1/models/{key}"): ENGINEERS,
    ("PUT", "/v1/models/{key}/rules/{rule}"): ENGINEERS,
    ("GET", "/v1/group-means"): READERS,
    ("GET", "/v1/group-means/{key}"): READERS,
    ("PUT", "/v1/group-means/{key}"): STEWARDS,
    ("DELETE", "/v1/group-means/{key}"): STEWARDS,
    ("GET", "/v1/group-means/{key}/proposals"): READERS,
    ("POST", "/v1/group-means/{key}/proposals"): STEWARDS,
    ("POST", "/v1/group-means/{key}/proposals/{number}/activate"): STEWARDS,
    ("POST", "/v1/group-means/{key}/proposals/{number}/reject"): STEWARDS,
    ("POST", "/v1/revocations"): STEWARDS,
    ("GET", "/v1/revocations/tokens"): READERS,
    ("GET", "/v1/revocations/tokens/{key}"): READERS,
    ("DELETE", "/v1/revocations/tokens/{key}"): STEWARDS,
    ("GET", "/v1/revocations/subjects"): READERS,
    ("GET", "/v1/revocations/subjects/{key}"): READERS,
    ("DELETE", "/v1/revocations/subjects/{key}"): STEWARDS,
    ("POST", "/v1/objections"): STEWARDS,
    ("GET", "/v1/objections/subjects"): READERS,
    ("GET", "/v1/objections/subjects/{key}"): READERS,
    ("DELETE", "/v1/objections/subjects/{key}"): STEWARDS,
    ("POST", "/v1/import"): STEWARDS | ENGINEERS,
    ("POST", "/v1/policies"): ENGINEERS,
    ("GET", "/v1/policies"): READERS,
    ("GET", "/v1/data"): READERS,
    ("GET", "/v1/history"): READERS,
    ("GET", "/v1/bundles/{name}.tar.gz"): READERS | {"engine"},
}
ROLES = ("engine", "reader", "steward", "engineer", "admin", "person", "nobody")


def _path(route: str) -> str:
    return route.format(key="x", rule="staleness", number=1, name="data")


async def _status(api: Api, method: str, route: str, role: str | None) -> int:
    body = {} if method in ("PUT", "POST") else None
    return (await api.ask(method, _path(route), body, role)).status_code


def test_the_table_has_every_route() -> None:
    paths = fastapi_app().openapi()["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert routes == set(ALLOWED)


async def test_each_role_may_do_what_the_table_says(on_file: Opened) -> None:
    async with serving(on_file, examiner=Examiner(EmbeddedCompiler(), verifying_key())) as api:
        may: dict[tuple[str, str], set[str]] = {}
        for each in ALLOWED:
            statuses = {role: await _status(api, *each, role) for role in ROLES}
            may[each] = {role for role in ROLES if statuses[role] not in (401, 403)}
            assert not {status for status in statuses.values() if status >= 500}
    assert may == ALLOWED


@pytest.mark.parametrize("role", [None, "unknown"])
async def test_without_a_known_token_everything_is_refused(api: Api, role: str | None) -> None:
    for method, route in ALLOWED:
        refused = await api.ask(method, _path(route), {} if method in ("PUT", "POST") else None, role)
        assert told(refused)[0] == 401, route
        assert refused.headers["WWW-Authenticate"] == 'Bearer realm="registry"'


async def test_who_has_no_right_is_told_which_role_does(api: Api) -> None:
    problem = "engine may not change models and policies: that takes one of admin, engineer"
    assert told(await api.ask("POST", "/v1/policies", b"x", "engine")) == (403, [problem])


async def test_open_reads_open_what_reads_and_no_more(on_file: Opened) -> None:
    async with serving(on_file, open_reads=True) as api:
        statuses = {each: await _status(api, *each, None) for each in ALLOWED}
        assert {each for each, status in statuses.items() if status == 401} == {
            each for each in ALLOWED if each[0] != "GET"
        }
        assert not {status for status in statuses.values() if status >= 500 or status == 403}
        assert await _status(api, "GET", "/v1/datasets", "unknown") == 401


@pytest.mark.parametrize("path", sorted(OPEN_ROUTES))
async def test_health_metrics_and_the_document_need_no_token(api: Api, path: str) -> None:
    assert (await api.ask("GET", path, role=None)).status_code == 200


async def test_head_asks_for_the_same_right(api: Api) -> None:
    path = "/v1/bundles/data.tar.gz"
    assert {role: (await api.ask("HEAD", path, role=role)).status_code for role in ("engine", "nobody", None)} == {
        "engine": 200,
        "nobody": 403,
        None: 401,
    }


async def test_an_import_needs_the_right_to_each_kind_in_it(api: Api) -> None:
    both = {"datasets": {"loans": DATASET}, "models": {"credit": MODEL}}
    for role, told_ in {
        "steward": "steward may not change models and policies: that takes one of admin, engineer",
        "engineer": "engineer may not change data sets, group means, revocations and objections: "
        "that takes one of admin, steward",
    }.items():
        assert told(await api.ask("POST", "/v1/import", both, role)) == (403, [told_])
    assert await api.good("GET", "/v1/history") == {"items": [], "next": None}
    assert await api.good("POST", "/v1/import", both, "admin") == {"changed": {"dataset": 1, "model": 1}}
