from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.registry_api import DATASET, MODEL, told

if TYPE_CHECKING:
    from tests.registries import Opened
    from tests.registry_api import Api


async def test_the_export_is_the_data_document_now_and_then(api: Api, on_file: Opened) -> None:
    founded = await api.good("GET", "/v1/data")
    at = on_file.clock.now_s
    on_file.clock.now_s += 60
    await api.good("PUT", "/v1/datasets/loans", DATASET)
    now = await api.good("GET", "/v1/data")
    assert now["datasets"] == {"loans": DATASET | {"parents": []}}
    assert await api.good("GET", f"/v1/data?at={at!r}") == founded | {"datasets": {}}


@pytest.mark.parametrize("at", ["x", "-1", "nan", "inf", "1e12", "2026-11-20"])
async def test_a_time_is_unix_seconds(api: Api, at: str) -> None:
    assert told(await api.ask("GET", f"/v1/data?at={at}"))[0] == 422


async def test_the_history_names_who_changed_what(api: Api) -> None:
    await api.good("PUT", "/v1/datasets/loans", DATASET, "steward")
    await api.good("PUT", "/v1/models/credit", MODEL, "engineer")
    items = (await api.good("GET", "/v1/history"))["items"]
    assert [(each["by"], each["kind"], each["key"], each["before"], each["after"]) for each in items] == [
        ("steward", "dataset", "loans", None, DATASET),
        ("engineer", "model", "credit", None, MODEL),
    ]
    assert [each["number"] for each in items] == [1, 2]


async def test_the_history_has_pages_and_filters(api: Api) -> None:
    for number in range(3):
        await api.good("PUT", f"/v1/datasets/d{number}", DATASET)
    first = await api.good("GET", "/v1/history?limit=2")
    assert ([each["key"] for each in first["items"]], first["next"]) == (["d0", "d1"], 2)
    rest = await api.good("GET", "/v1/history?limit=2&after=2")
    assert ([each["key"] for each in rest["items"]], rest["next"]) == (["d2"], None)
    only = await api.good("GET", "/v1/history?kind=dataset&key=d1")
    assert [each["key"] for each in only["items"]] == ["d1"]
