from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from click.testing import CliRunner

from sidecar.cli.registry.migrate import command
from sidecar.registry.store.database import open_engine

if TYPE_CHECKING:
    from pathlib import Path


def test_an_empty_database_gets_its_tables_and_a_second_time_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    for _ in range(2):
        result = CliRunner().invoke(command, ["--database", url])
        assert (result.exit_code, result.output) == (0, "the database is at this version's revision\n")
        open_engine(url).dispose()


def test_the_variable_names_the_database_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/registry.db"
    assert CliRunner().invoke(command, [], env={"SIDECAR_REGISTRY_DATABASE": url}).exit_code == 0
    open_engine(url).dispose()


def test_what_is_no_database_of_ours_is_told(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "taken.db") as connection:
        connection.execute("CREATE TABLE dataset (x)")
    connection.close()
    for url in ("nothing", "mysql://x/y", f"sqlite:///{tmp_path}/taken.db", f"sqlite:///{tmp_path}/no/folder.db"):
        result = CliRunner().invoke(command, ["--database", url])
        assert (result.exit_code, result.output[:20]) == (2, "sidecar: --database:"), result.output
