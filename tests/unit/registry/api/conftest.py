"""The API over SQLite; what depends on the database is tested on both, with `opened`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.registries import Opened, SqliteDatabases
from tests.registry_api import Api, serving

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> SqliteDatabases:
    return SqliteDatabases(tmp_path_factory.mktemp("databases"))


@pytest.fixture
def on_file(files: SqliteDatabases) -> Generator[Opened]:
    made = Opened(files.fresh())
    yield made
    made.close()


@pytest.fixture
async def api(on_file: Opened) -> AsyncGenerator[Api]:
    async with serving(on_file) as made:
        yield made
