from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from sqlalchemy import inspect, text
from sqlalchemy.exc import DatabaseError

from sidecar.registry.store import database
from sidecar.registry.store.database import DatabaseUnfit
from sidecar.registry.values import Kind
from tests.registries import ANN, Opened, SetClock
from tests.unit.registry.store.test_bodies import DATASET

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.registries import Databases

FAILING = """
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    op.create_table("novelty", sa.Column("id", sa.Integer, primary_key=True))
    op.add_column("dataset", sa.Column("colour", sa.Text))
    op.execute("UPDATE document SET sequence = 0")
    op.execute("DROP TABLE policy")
    op.execute("SELECT no_such_function()")
"""


@pytest.fixture
def with_failing_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a revision more, which fails half-way."""
    (tmp_path / "v0002_failing.py").write_text(FAILING)
    shipped = Path(database.__file__).parent / "migrations" / "versions"

    def config() -> Config:
        made = Config()
        made.set_main_option("script_location", "sidecar.registry.store:migrations")
        made.set_main_option("path_separator", "newline")
        made.set_main_option("version_locations", f"{shipped}\n{tmp_path}")
        return made

    monkeypatch.setattr(database, "_config", config)


def everything(url: str) -> object:
    """Tables with their columns and rows."""
    engine = database._engine(url)
    with engine.connect() as connection:
        found = inspect(connection)
        tables = sorted(found.get_table_names())
        columns = {name: [(each["name"], str(each["type"])) for each in found.get_columns(name)] for name in tables}
        rows = {name: sorted(connection.execute(text(f"SELECT * FROM {name}")).all(), key=repr) for name in tables}
    engine.dispose()
    return columns, rows


def test_an_empty_database_is_refused_with_the_remedy(databases: Databases) -> None:
    with pytest.raises(DatabaseUnfit, match="the database is empty: run `sidecar registry migrate`"):
        database.open_engine(databases.empty())


def test_migrating_again_changes_nothing(databases: Databases) -> None:
    url = databases.empty()
    database.migrate(url, SetClock())
    before = everything(url)
    database.migrate(url, SetClock(2e9))
    assert everything(url) == before


def test_several_may_migrate_at_once(databases: Databases) -> None:
    url, failed = databases.empty(), list[Exception]()

    def migrate() -> None:
        try:
            database.migrate(url, SetClock())
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    database.open_engine(url).dispose()


@pytest.mark.parametrize("make", [lambda of: of.empty(), lambda of: of.fresh()], ids=["empty", "fresh"])
@pytest.mark.usefixtures("with_failing_migration")
def test_a_migration_that_fails_leaves_everything_as_it_was(
    databases: Databases, make: Callable[[Databases], str]
) -> None:
    url = make(databases)
    before = everything(url)
    with pytest.raises(DatabaseError, match="no_such_function"):
        database.migrate(url, SetClock())
    assert everything(url) == before


@pytest.mark.usefixtures("with_failing_migration")
def test_a_database_at_an_older_revision_is_refused_with_the_remedy(databases: Databases) -> None:
    with pytest.raises(DatabaseUnfit, match="at revision 0001, not 0002: back it up, then run `sidecar registry mig"):
        database.open_engine(databases.fresh())


def test_a_database_of_a_newer_version_is_refused(databases: Databases) -> None:
    url = databases.fresh()
    engine = database.open_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(DatabaseUnfit, match="at revision 9999, which this version does not know"):
        database.open_engine(url)


@pytest.mark.parametrize(
    "url", ["", "registry.db", "sqlite://", "sqlite:///:memory:", "mysql://u@h/d", "postgresql+asyncpg://u@h/d"]
)
def test_other_databases_are_refused_with_examples(url: str) -> None:
    with pytest.raises(DatabaseUnfit, match=r"give sqlite:///registry.db or postgresql://"):
        database.open_engine(url)


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    for url in ("postgresql://nobody@127.0.0.1:1/none", f"sqlite:///{tmp_path}/no/such/folder.db"):
        with pytest.raises(DatabaseUnfit, match="the database does not open: "):
            database.open_engine(url)


def test_what_is_read_at_once_is_of_one_state(databases: Databases) -> None:
    opened = Opened(databases.fresh())
    count = text("SELECT count(*) FROM dataset")
    with database.reading(opened.engine) as connection:
        before = connection.scalar(count)
        opened.registry.put(Kind.DATASET, "d", DATASET, by=ANN, if_match=None)
        assert (before, connection.scalar(count)) == (0, 0)
    with database.reading(opened.engine) as connection:
        assert connection.scalar(count) == 1
    opened.close()
