"""Revocations in two tiers: those of late, small and fetched at each one, and the bulk, large and fetched seldom.

Bulks are numbered from 1 (0 is empty). Bulk N holds every revocation that was there when it was made, and loses those
that expire or are taken back. The recent tier holds all that bulk N-1 lacks: so an engine finds each revocation with
it and either of the two latest bulks, and may fetch the next bulk in its own time. A new bulk is a new number and
nothing else: each row knows the first bulk that has it.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, literal, select

from sidecar.registry.store import database, documents
from sidecar.registry.store.tables import REVOCATIONS, head, history
from sidecar.registry.store.writing import Touched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Engine, Select, Table

    from sidecar.model.clock import Clock
    from sidecar.registry.store.writing import Writing
    from sidecar.registry.values import Author, Document, Json

RECENT_LIMIT = 5_000
"""Above this many revocations that no bulk has, there is a new bulk. OPA takes 780 MB and 14 s for a million as entries
of their own: a two-hundredth of that is little."""
SWOLLEN = 3
"""Times the limit: a recent tier above that has come of an import, and is relieved by one bulk more."""
BULKS_APART_S = 60.0
"""At least, between two: engines that long-poll have fetched the last one by then."""
FORGET_AT_ONCE = 100_000
"""Expired ones, of each kind: the database lets other writers in after so many, a second or so."""
ID_DIGITS = 32
"""Of an id in the bulk: 128 bits, which nobody can hit by chance, in half the memory."""
PREFIX_DIGITS = 4
"""By which the bulk is laid out: 65,536 texts, of which a look-up searches one."""


def recent(connection: Connection) -> Document:
    """See `Registry.revocations`."""
    after = _after(_bulk(connection))
    entries: Json = {
        name: dict.fromkeys(sorted(connection.scalars(select(table.c.key).where(table.c.bulk > after))), 1)
        for name, table in REVOCATIONS.items()
    }
    return documents.dated(connection, Touched.RECENT, {"revocations": entries | {"after": after}})


def earlier(connection: Connection) -> Document:
    """See `Registry.earlier`."""
    number = _bulk(connection)
    tiers: Json = {"number": number}
    for name, table in REVOCATIONS.items():
        digits = func.substr(table.c.key, 1, ID_DIGITS)
        ids = select(digits).where(table.c.bulk <= number).order_by(table.c.key)
        tiers[name] = _by_prefix(connection.scalars(ids.execution_options(yield_per=10_000)))
    return documents.dated(connection, Touched.EARLIER, {"revocations": {"earlier": tiers}})


def touched(writing: Writing, table: Table, key: str) -> list[Touched]:
    """The documents that hold this revocation."""
    bulk = writing.connection.scalars(select(table.c.bulk).where(table.c.key == key)).one()
    return _holding(writing.bulk, bulk, bulk)


def consolidate(engine: Engine, clock: Clock, by: Author, limit: int) -> bool:
    """See `Registry.consolidate`."""
    with database.reading(engine) as connection:  # what finds nothing to do holds no writer up
        if not _is_due(connection, clock.unix_s(), limit):
            return False
    with database.writing(engine, clock, by) as writing:
        if not _is_due(writing.connection, writing.unix_s, limit):
            return False
        former = writing.bulk
        writing.number_bulk(former + 1)
        writing.note("consolidated", "revocations", "", {"number": former}, {"number": former + 1})
        writing.touch(Touched.EARLIER)
        if _after(former) != _after(former + 1):
            writing.touch(Touched.RECENT)
        return True


def forget_expired(engine: Engine, clock: Clock, by: Author) -> int:
    """See `Registry.forget_expired`."""
    total = 0
    while count := _forget_some(engine, clock, by):
        total += count
    return total


def _forget_some(engine: Engine, clock: Clock, by: Author) -> int:
    """One transaction."""
    with database.reading(engine) as connection:  # what finds nothing to do holds no writer up
        unix_s = clock.unix_s()
        if not any(connection.scalar(_expired(table, unix_s).limit(1)) for table in REVOCATIONS.values()):
            return 0
    with database.writing(engine, clock, by) as writing:
        return sum(_forget(writing, table) for table in REVOCATIONS.values())


def _forget(writing: Writing, table: Table) -> int:
    """By the database itself: a million may expire at once."""
    connection = writing.connection
    is_gone = table.c.key.in_(_expired(table, writing.unix_s).limit(FORGET_AT_ONCE))
    extent = select(func.count(), func.min(table.c.bulk), func.max(table.c.bulk)).where(is_gone)
    count, first, last = connection.execute(extent).one()
    if not count:
        return 0
    line = writing.line() | {"action": "expired", "kind": table.name}
    number = literal(writing.number) + func.row_number().over(order_by=table.c.key)
    lines = select(number, table.c.key, table.c.body, *map(literal, line.values())).where(is_gone)
    connection.execute(insert(history).from_select(["number", "key", "before", *line], lines))
    connection.execute(delete(table).where(is_gone))
    writing.noted(count)
    writing.touch(*_holding(writing.bulk, first, last))
    return count


def _is_due(connection: Connection, unix_s: float, limit: int) -> bool:
    """More wait for a bulk than may; or the last one had so many that the recent tier should be rid of them."""
    number, made_unix_s = connection.execute(select(head.c.bulk, head.c.bulk_unix_s)).one()
    if 0 <= unix_s - made_unix_s < BULKS_APART_S:
        return False
    return _count(connection, number) > limit or _count(connection, _after(number)) > SWOLLEN * limit


def _count(connection: Connection, number: int) -> int:
    """How many bulk `number` lacks."""
    counts = (select(func.count()).where(table.c.bulk > number) for table in REVOCATIONS.values())
    return sum(connection.scalars(count).one() for count in counts)


def _expired(table: Table, unix_s: float) -> Select[str]:
    """Keys, those that ended first before the others."""
    is_expired = table.c.until_unix_s <= unix_s
    return select(table.c.key).where(is_expired).order_by(table.c.until_unix_s, table.c.key)


def _holding(number: int, first: int, last: int) -> list[Touched]:
    """The documents that hold revocations of these bulks, at bulk `number`."""
    recent = [Touched.RECENT] if last > _after(number) else []
    return recent + ([Touched.EARLIER] if first <= number else [])


def _bulk(connection: Connection) -> int:
    return connection.scalars(select(head.c.bulk)).one()


def _after(number: int) -> int:
    """The bulk that the recent tier completes: the one before the newest."""
    return max(number - 1, 0)


def _by_prefix(ids: Iterable[str]) -> dict[str, str]:
    """Ids in order."""
    return {
        prefix: " ".join(each[PREFIX_DIGITS:] for each in group)
        for prefix, group in groupby(ids, key=lambda each: each[:PREFIX_DIGITS])
    }
