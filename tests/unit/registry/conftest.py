"""What is stored is tested on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.registries import SYSTEMS, Opened, databases_of

if TYPE_CHECKING:
    from collections.abc import Generator

    from sidecar.registry.store.registry import Registry
    from tests.registries import Databases, SetClock


def databases_on(system: str) -> Any:
    """A fixture with one database system for the whole session.

    One fixture with a parameter would start it anew whenever the parameter changes, which is in each file.
    """

    @pytest.fixture(scope="session", name=f"databases_on_{system}")
    def fixture(tmp_path_factory: pytest.TempPathFactory) -> Generator[Databases]:
        with databases_of(system, tmp_path_factory.mktemp(system)) as made:
            yield made

    return fixture


databases_on_sqlite, databases_on_postgresql = map(databases_on, SYSTEMS)


@pytest.fixture(params=SYSTEMS)
def databases(request: pytest.FixtureRequest) -> Databases:
    return request.getfixturevalue(f"databases_on_{request.param}")


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
