from __future__ import annotations

from typing import TYPE_CHECKING

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from sidecar.registry.store.tables import RECORDS, metadata
from sidecar.registry.values import Kind

if TYPE_CHECKING:
    from tests.registries import Opened


def test_migrations_make_the_tables_that_are_used(opened: Opened) -> None:
    with opened.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_every_kind_has_a_table() -> None:
    assert set(RECORDS) == set(Kind)
