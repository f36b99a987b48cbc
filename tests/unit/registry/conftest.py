"""What is stored is tested on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.registries import SYSTEMS, Opened, databases_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from sidecar.registry.store.registry import Registry
    from tests.registries import Databases, SetClock


@pytest.fixture(scope="session", params=SYSTEMS)
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Databases]:
    with databases_of(request.param, tmp_path_factory.mktemp("databases")) as made:
        yield made


@pytest.fixture
def opened(databases: Databases) -> Generator[Opened]:
    made = Opened(databases.fresh())
    yield made
    made.close()


@pytest.fixture
def registry(opened: Opened) -> Registry:
    return opened.registry


@pytest.fixture
def clock(opened: Opened) -> SetClock:
    return opened.clock
