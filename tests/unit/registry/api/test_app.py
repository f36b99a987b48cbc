from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError

from sidecar.registry.api.app import fastapi_app
from tests.registry_api import DATASET, told

if TYPE_CHECKING:
    from tests.registry_api import Api


async def test_health_tells_what_is_wrong_while_it_goes_on_serving(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await api.ask("GET", "/health/ready", role=None)).json() == {"status": "ready", "problems": []}

    def broken() -> None:
        raise RuntimeError("the disk is gone")

    await api.good("PUT", "/v1/datasets/loans", DATASET)
    monkeypatch.setattr(api.parts.registry, "data_document", broken)
    await api.parts.bundling.refresh()
    answer = await api.ask("GET", "/health/ready", role=None)
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ready", "problems": ["data: RuntimeError; the log has more"]},
    )
    assert (await api.ask("GET", "/v1/bundles/data.tar.gz")).status_code == 200


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nothing", "/v1/datasets/a/b", "/v1/datasets/", "/docs"])
async def test_what_is_not_there_is_a_problem_too(api: Api, path: str) -> None:
    assert told(await api.ask("GET", path))[0] == 404


async def test_a_database_that_does_not_answer_is_503(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OperationalError("SELECT secret", {}, Exception("secret"))

    monkeypatch.setattr(api.parts.registry, "page", gone)
    answer = await api.ask("GET", "/v1/datasets")
    assert told(answer) == (503, ["the database does not answer; try again soon"])
    assert answer.headers["Retry-After"] == "2"


async def test_a_defect_is_500_and_tells_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(api.parts.registry, "page", defect)
    answer = await api.ask("GET", "/v1/datasets")
    assert told(answer) == (500, ["this is a defect of the registry; its log has more"])


def test_every_operation_of_the_document_says_how_it_may_be_refused() -> None:
    paths = fastapi_app().openapi()["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    assert all({"401", "403"} <= set(operation["responses"]) for operation in operations)
    assert all(operation["security"] == [{"bearer": []}] for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)
