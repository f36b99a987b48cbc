"""Which database, at which revision, and its two kinds of transactions: reading from one state, and writing alone."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import orjson
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from sidecar.model.clock import SystemClock
from sidecar.registry.store.writing import Writing

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from contextlib import AbstractContextManager
    from sqlite3 import Connection as SqliteConnection

    from sqlalchemy import URL, Connection, Engine

    from sidecar.model.clock import Clock
    from sidecar.registry.values import Author

    WritingContext = AbstractContextManager[Writing]

LOCK_TIMEOUT_S = 60.0
"""How long a writer waits for another one. The longest, an import of 16 MiB, takes some ten seconds."""
_SQLITE, _POSTGRESQL = "sqlite", "postgresql"
_READS = "sidecar_reads"


class DatabaseUnfit(Exception):
    """A database that is not used as it is. The text says why, and what to do."""


def open_engine(url: str) -> Engine:
    """Connections to a database that is at this version's revision; raises `DatabaseUnfit` with the remedy."""
    engine = _engine(url)
    try:
        with reading(engine) as connection:
            present, wanted = MigrationContext.configure(connection).get_current_revision(), _newest_revision()
    except OperationalError as error:
        raise DatabaseUnfit(f"the database does not open: {error.orig}") from None
    if present != wanted:
        engine.dispose()
        raise DatabaseUnfit(_remedy(present, wanted))
    return engine


def migrate(url: str, clock: Clock | None = None) -> None:
    """Makes the tables, or brings them to this version's revision: whole, or not at all. `clock`: of the founding."""
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == _POSTGRESQL:  # SQLite's one lock is held from BEGIN IMMEDIATE
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config = _config()
            config.attributes |= {"connection": connection, "unix_s": (clock or SystemClock()).unix_s()}
            command.upgrade(config, "head")
    finally:
        engine.dispose()


@contextmanager
def reading(engine: Engine) -> Generator[Connection]:
    """All that is read in it is of one state, however many statements that takes. Holds no writer up."""
    options: dict[str, Any] = {_READS: True}
    if engine.dialect.name == _POSTGRESQL:
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        yield connection


@contextmanager
def writing(engine: Engine, clock: Clock, by: Author, *, token_life_s: float = 0.0) -> Generator[Writing]:
    """One writer at a time, of all processes; committed at the end, or nothing of it where an exception leaves it."""
    with engine.begin() as connection:
        change = Writing(connection, clock, by, token_life_s)
        yield change
        change.close()


_MIGRATION_LOCK = 0x7369_6465_6361_72
"""Any number that others are unlikely to take: who migrates holds it."""


def _engine(url: str) -> Engine:
    parsed = _parsed(url)
    engine = create_engine(
        parsed,
        json_serializer=_json,
        json_deserializer=orjson.loads,
        hide_parameters=True,  # what people are recorded with stays out of logs
        **_OPTIONS[parsed.get_backend_name()],
    )
    if engine.dialect.name == _SQLITE:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


_SESSION = {
    "lock_timeout": f"{LOCK_TIMEOUT_S:.0f}s",
    "idle_in_transaction_session_timeout": f"{LOCK_TIMEOUT_S:.0f}s",  # a writer that hangs lets the others go on
    "plan_cache_mode": "force_custom_plan",  # a plan made for an empty table makes an import take quadratic time
}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    _SQLITE: {"connect_args": {"timeout": LOCK_TIMEOUT_S}},
    _POSTGRESQL: {
        "connect_args": {"options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items())},
        "isolation_level": "READ COMMITTED",  # whoever waited for the lock sees what the one before has written
        "pool_pre_ping": True,  # a server that was restarted is no error
    },
}


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnfit(f"that is no URL of a database: {_WHICH}") from None  # there may be a password in it
    if parsed.drivername == _POSTGRESQL:
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in (_SQLITE, "postgresql+psycopg"):
        raise DatabaseUnfit(f"a database of {parsed.drivername} is not supported: {_WHICH}")
    if parsed.drivername == _SQLITE and (not parsed.database or ":memory:" in parsed.database):
        raise DatabaseUnfit(f"what is on record needs a file: {_WHICH}")
    return parsed


_WHICH = "give sqlite:///registry.db or postgresql://user:password@host/name"


def _prepare_sqlite(connection: SqliteConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver starts no transactions of its own: `_begin_sqlite` does
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READS)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "sidecar.registry.store:migrations")
    return config


def _newest_revision() -> str:
    return cast("str", ScriptDirectory.from_config(_config()).get_current_head())


def _remedy(present: str | None, wanted: str) -> str:
    if present is None:
        return "the database is empty: run `sidecar registry migrate`"
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if present in known:
        return f"the database is at revision {present}, not {wanted}: back it up, then run `sidecar registry migrate`"
    return f"the database is at revision {present}, which this version does not know: run the version that made it"
