from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.ship.ledgers import WrittenLog
from tests.unit.ship.scripted import ScriptedCollector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def collector() -> Iterator[ScriptedCollector]:
    scripted = ScriptedCollector()
    yield scripted
    scripted.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[WrittenLog]:
    with WrittenLog(tmp_path / "audit" / "0") as written:
        yield written
