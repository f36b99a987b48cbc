"""Records of every kind: read by key and by page, written where their version is the expected one, or many at once."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, cast

import orjson
from sqlalchemy import delete as delete_from
from sqlalchemy import func, select

from sidecar.policy.data_document import PROBLEM_LIMIT
from sidecar.registry.store import bodies, lineage, many, policies, revoked
from sidecar.registry.store.tables import RECORDS, history
from sidecar.registry.store.writing import Touched
from sidecar.registry.values import Conflict, Invalid, Json, Kind, Missing, Record, Stale, Unexpected

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping

    from sqlalchemy import Connection, RowMapping

    from sidecar.registry.store.writing import Writing

AT_ONCE = 1_000
"""Records written by one statement."""


def get(connection: Connection, kind: Kind, key: str) -> Record | None:
    """See `Registry`."""
    return None if bodies.key_problem(kind, key) else _present(connection, kind, [key]).get(key)


def page(connection: Connection, kind: Kind, after: str, limit: int) -> list[Record]:
    """See `Registry`."""
    bodies.check_text(after)
    table = RECORDS[kind]
    rows = connection.execute(select(table).where(table.c.key > after).order_by(table.c.key).limit(limit))
    return [_record(kind, row) for row in rows.mappings()]


def put(
    writing: Writing, kind: Kind, key: str, body: Json, if_match: int | None, *, must_be_new: bool = False
) -> Record:
    """See `Registry`."""
    present = get(writing.connection, kind, key)
    if present is not None and must_be_new:
        raise Conflict(f"{kind} {key} is there already, at version {present.version}")
    if present is not None or if_match is not None:
        _expect(kind, key, present, if_match)
    load(writing, {kind: [(key, body)]})
    return _present(writing.connection, kind, [key])[key]


def load(writing: Writing, items: Mapping[Kind, Iterable[tuple[str, Json]]]) -> dict[Kind, int]:
    """See `Registry`."""
    accepted, problems = dict[Kind, dict[str, Json]](), list[str]()
    guards = policies.guards(writing.connection) if Kind.MODEL in items else None
    for kind, pairs in items.items():
        accepted[kind] = _accepted(writing, kind, dict(pairs), guards, problems)
    if problems:
        raise Invalid(*problems)
    counts = {kind: sum(_store(writing, kind, chunk) for chunk in _chunks(wanted)) for kind, wanted in accepted.items()}
    if Kind.DATASET in items and (problems := lineage.problems(writing)):
        raise Invalid(*problems)
    return counts


def delete(writing: Writing, kind: Kind, key: str, if_match: int | None) -> None:
    """See `Registry`."""
    present = get(writing.connection, kind, key)
    if present is None:
        raise Missing(f"there is no {kind} {key}")
    _expect(kind, key, present, if_match)
    if kind is Kind.DATASET and (children := lineage.children(writing.connection, key)):
        raise Conflict(f"dataset {key} is a parent of {', '.join(children)}: change or delete those first")
    table = RECORDS[kind]
    touched = revoked.touched(writing, table, key) if kind in bodies.REVOCATIONS else [Touched.DATA]
    writing.connection.execute(delete_from(table).where(table.c.key == key))
    writing.note("deleted", kind, key, present.body, None)
    writing.touch(*touched)


def set_rule(writing: Writing, model: str, rule: str, mode: str, if_match: int | None) -> Record:
    """See `Registry`."""
    present = get(writing.connection, Kind.MODEL, model)
    if present is None:
        raise Missing(f"there is no model {model}")
    rules = cast("Json", present.body.get("rules", {})) | {rule: mode}
    expected = present.version if if_match is None else if_match
    return put(writing, Kind.MODEL, model, present.body | {"rules": rules}, expected)


def _expect(kind: Kind, key: str, present: Record | None, if_match: int | None) -> None:
    if present is None:
        raise Stale(f"{kind} {key} is not there any more")
    if if_match is None:
        raise Unexpected(
            f"{kind} {key} is there, at version {present.version}: name the version to build on, with If-Match"
        )
    if if_match != present.version:
        raise Stale(f"{kind} {key} is at version {present.version}, not {if_match}: look at it, and try again")


def _chunks(wanted: Mapping[str, Json]) -> Generator[dict[str, Json]]:
    """In the order of keys, which is that of tables and indexes: a database writes such rows several times as fast."""
    left = iter(sorted(wanted))
    while keys := list(islice(left, AT_ONCE)):
        yield {key: wanted[key] for key in keys}


def _accepted(
    writing: Writing, kind: Kind, wanted: Mapping[str, Json], guards: Collection[str] | None, problems: list[str]
) -> dict[str, Json]:
    """Bodies as they will stand; what is wrong with them goes to `problems`. Raises `Invalid` for too much of that."""
    accepted = dict[str, Json]()
    for key, body in wanted.items():
        if len(problems) > PROBLEM_LIMIT:
            raise Invalid(*problems[:PROBLEM_LIMIT], "more problems are not listed")
        if problem := bodies.key_problem(kind, key):
            problems.append(f"{kind} {problem}")
            continue
        try:
            accepted[key] = bodies.stored(body)
        except (TypeError, ValueError) as error:
            problems.append(f"{kind} {key}: is no JSON: {error}")
            continue
        if kind in bodies.REVOCATIONS:
            accepted[key].setdefault("until_unix_s", writing.unix_s + writing.token_life_s)
        problems += bodies.problems(kind, key, accepted[key], guards, writing.unix_s)
    return accepted


def _store(writing: Writing, kind: Kind, wanted: Mapping[str, Json]) -> int:
    """How many are new, or other than they were."""
    connection = writing.connection
    present = _present(connection, kind, wanted)
    changed = {key: body for key, body in wanted.items() if key not in present or not _same(present[key].body, body)}
    versions = _past(connection, kind, changed.keys() - present.keys())
    versions |= {key: record.version for key, record in present.items()}
    rows = [_row(kind, key, body, versions.get(key, 0) + 1) for key, body in changed.items()]
    at_first = {"bulk": writing.bulk + 1} if kind in bodies.REVOCATIONS else {}
    many.upsert(connection, RECORDS[kind], rows, _change(writing, kind), at_first)
    if kind is Kind.DATASET:
        lineage.replace(connection, {key: bodies.parents(body) for key, body in changed.items()})
    for key, body in changed.items():
        _note(writing, kind, key, present.get(key), body)
    return len(changed)


def _note(writing: Writing, kind: Kind, key: str, before: Record | None, body: Json) -> None:
    if before is None:
        writing.note("created", kind, key, None, body)
        writing.touch(Touched.RECENT if kind in bodies.REVOCATIONS else Touched.DATA)
        return
    writing.note("changed", kind, key, before.body, body)
    if not _same(bodies.for_engines(kind, before.body), bodies.for_engines(kind, body)):
        writing.touch(Touched.DATA)


def _row(kind: Kind, key: str, body: Json, version: int) -> Json:
    row: Json = {"key": key, "version": version, "body": many.text(body)}
    return row | {"until_unix_s": body["until_unix_s"]} if kind in bodies.REVOCATIONS else row


def _change(writing: Writing, kind: Kind) -> Json:
    """What all rows of it have in common."""
    change: Json = {"changed_unix_s": writing.unix_s, "changed_by": writing.by.subject}
    return change | {"sequence": writing.sequence} if kind is Kind.DATASET else change


def _present(connection: Connection, kind: Kind, keys: Iterable[str]) -> dict[str, Record]:
    table = RECORDS[kind]
    rows = connection.execute(select(table).where(table.c.key.in_(many.listed(connection, keys))))
    return {row["key"]: _record(kind, row) for row in rows.mappings()}


def _past(connection: Connection, kind: Kind, keys: Collection[str]) -> dict[str, int]:
    """How many changes there were of what is not there: an entity tag must not come back with another content."""
    past = select(history.c.key, func.count()).where(
        history.c.kind == kind.value, history.c.key.in_(many.listed(connection, keys))
    )
    return {key: count for key, count in connection.execute(past.group_by(history.c.key))}  # noqa: C416 - rows to pairs


def _record(kind: Kind, row: RowMapping) -> Record:
    return Record(kind, row["key"], row["version"], row["body"], row["changed_unix_s"], row["changed_by"])


def _same(one: object, other: object) -> bool:
    """As JSON: in Python 1, 1.0 and True are the same."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
