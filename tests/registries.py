"""Registries for tests: fresh ones on SQLite and on a real PostgreSQL, with a clock that is set by hand."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from sidecar.registry.store import database
from sidecar.registry.store.registry import Registry
from sidecar.registry.values import Author
from tests.servers.postgres import PostgresServer, require_postgres

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sqlalchemy import Engine

NOW_UNIX_S = 1_795_300_000.0
DAY_S = 86_400.0
TOKEN_LIFE_S = 90 * DAY_S
ANN = Author("ann", is_person=True)
BEN = Author("ben", is_person=True)
ROBOT = Author("robot")


class SetClock:
    """Stands still until it is moved."""

    def __init__(self, unix_s: float = NOW_UNIX_S) -> None:
        self.now_s = unix_s

    def unix_s(self) -> float:
        return self.now_s

    def unix_ns(self) -> int:
        return int(self.now_s * 1e9)

    def monotonic_s(self) -> float:
        return self.now_s


class Databases(Protocol):
    """A database system that makes as many databases as tests need."""

    def empty(self) -> str:
        """The URL of one without tables."""
        ...

    def fresh(self) -> str:
        """The URL of one that was founded at `NOW_UNIX_S`, and holds nothing else."""
        ...

    def close(self) -> None: ...


class SqliteDatabases:
    """Files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._founded = folder / "founded.db"
        database.migrate(f"sqlite:///{self._founded}", SetClock())

    def empty(self) -> str:
        self._count += 1
        return f"sqlite:///{self._folder / str(self._count)}.db"

    def fresh(self) -> str:
        url = self.empty()
        shutil.copy(self._founded, url.removeprefix("sqlite:///"))
        return url

    def close(self) -> None: ...


class PostgresDatabases:
    """Databases of one server."""

    def __init__(self) -> None:
        self.server = PostgresServer()
        self.server.start()
        self._founded = self.server.new_database()
        database.migrate(self.server.url(self._founded), SetClock())

    def empty(self) -> str:
        return self.server.url(self.server.new_database())

    def fresh(self) -> str:
        return self.server.url(self.server.new_database(self._founded))

    def close(self) -> None:
        self.server.remove()


SYSTEMS = ["sqlite", "postgresql"]


@contextmanager
def databases_of(system: str, folder: Path) -> Generator[Databases]:
    """One of `SYSTEMS`; skips, or in CI fails, where there is no PostgreSQL."""
    if system == "postgresql":
        require_postgres()
        made: Databases = PostgresDatabases()
    else:
        made = SqliteDatabases(folder)
    try:
        yield made
    finally:
        made.close()


class Opened:
    """A registry, with the engine and the clock below it; a further one on the same database stands for a restart,
    or for another process."""

    def __init__(self, url: str, clock: SetClock | None = None, recent_limit: int = 5_000) -> None:
        self.url = url
        self.clock = clock or SetClock()
        self.engine: Engine = database.open_engine(url)
        self.registry = Registry(self.engine, self.clock, token_life_s=TOKEN_LIFE_S, recent_limit=recent_limit)

    def close(self) -> None:
        self.engine.dispose()


def pseudonym(number: int) -> str:
    """Different for each number, and spread as real ones are."""
    return f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}".ljust(64, f"{number % 10}")
