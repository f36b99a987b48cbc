from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from tests.registry_api import DATASET

if TYPE_CHECKING:
    from tests.registry_api import Api


async def samples(api: Api, name: str) -> dict[tuple[str, ...], float]:
    page = (await api.ask("GET", "/metrics", role=None)).text
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }


async def test_requests_are_counted_by_route_never_by_key(api: Api) -> None:
    await api.ask("PUT", "/v1/datasets/loans", DATASET)
    await api.ask("PUT", "/v1/datasets/other", DATASET, None)
    await api.ask("GET", "/v1/nothing/x")
    assert await samples(api, "sidecar_registry_requests_total") == {
        ("PUT", "/v1/datasets/{key}", "201"): 1.0,
        ("PUT", "/v1/datasets/{key}", "401"): 1.0,
        ("GET", "other", "404"): 1.0,
    }


async def test_changes_are_counted_by_kind(api: Api) -> None:
    await api.ask("PUT", "/v1/datasets/loans", DATASET)
    await api.ask("PUT", "/v1/datasets/loans", DATASET | {"checksum": "x"})
    assert await samples(api, "sidecar_registry_changes_total") == {("datasets",): 1.0}


async def test_unknown_methods_have_one_label(api: Api) -> None:
    await api.ask("BREW", "/v1/datasets")
    assert await samples(api, "sidecar_registry_requests_total") == {("other", "/v1/datasets", "405"): 1.0}


async def test_waiters_are_shown(api: Api) -> None:
    api.parts.shelf.waiters = 3
    assert await samples(api, "sidecar_registry_waiters") == {(): 3.0}
