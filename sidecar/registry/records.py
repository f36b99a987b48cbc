"""Records of every kind: read by key and by page, written where their version is the expected one, or many at once."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, cast

import orjson
from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy import delete as delete_from

from sidecar.policy.data_document import PROBLEM_LIMIT
from sidecar.registry import bodies, lineage, policies, revoked
from sidecar.registry.tables import RECORDS, history
from sidecar.registry.values import Conflict, Invalid, Json, Kind, Missing, Record, Stale, Unexpected
from sidecar.registry.writing import Touched

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Mapping

    from sqlalchemy import Connection, RowMapping

    from sidecar.registry.writing import Writing

AT_ONCE = 500
"""Records written by one statement; below every database's limit of parameters."""


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
    counts, problems = dict.fromkeys(items, 0), list[str]()
    guards = policies.guards(writing.connection) if Kind.MODEL in items else None
    for kind, pairs in items.items():
        for chunk in _chunks(pairs):
            wanted, found = _accepted(writing, kind, chunk, guards)
            problems += found
            if not problems:
                counts[kind] += _store(writing, kind, wanted)
            elif len(problems) > PROBLEM_LIMIT:
                raise Invalid(*problems[:PROBLEM_LIMIT], "more problems are not listed")
    problems = problems or lineage.problems(writing)
    if problems:
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
        raise Unexpected(f"{kind} {key} is there, at version {present.version}: name the version to build on")
    if if_match != present.version:
        raise Stale(f"{kind} {key} is at version {present.version}, not {if_match}: look at it, and try again")


def _chunks(pairs: Iterable[tuple[str, Json]]) -> Generator[dict[str, Json]]:
    """Of one key's several bodies the last."""
    left = iter(pairs)
    while chunk := dict(islice(left, AT_ONCE)):
        yield chunk


def _accepted(
    writing: Writing, kind: Kind, wanted: Mapping[str, Json], guards: Collection[str] | None
) -> tuple[dict[str, Json], list[str]]:
    """Bodies as they will stand, and the problems of all."""
    accepted, problems = dict[str, Json](), list[str]()
    for key, body in wanted.items():
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
    return accepted, problems


def _store(writing: Writing, kind: Kind, wanted: Mapping[str, Json]) -> int:
    """How many are new, or other than they were."""
    connection, table = writing.connection, RECORDS[kind]
    present = _present(connection, kind, wanted)
    changed = {key: body for key, body in wanted.items() if key not in present or not _same(present[key].body, body)}
    past = _past(connection, kind, changed.keys() - present.keys())
    new = [_row(writing, kind, key, body, past.get(key, 0)) for key, body in changed.items() if key not in present]
    old = [
        _row(writing, kind, key, body, present[key].version) | {"present_key": key}
        for key, body in changed.items()
        if key in present
    ]
    if new:
        bulk = {"bulk": writing.bulk + 1} if kind in bodies.REVOCATIONS else {}
        connection.execute(insert(table).values(bulk), new)
    if old:
        connection.execute(update(table).where(table.c.key == bindparam("present_key")), old)
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


def _row(writing: Writing, kind: Kind, key: str, body: Json, versions: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "key": key,
        "version": versions + 1,
        "body": body,
        "changed_unix_s": writing.unix_s,
        "changed_by": writing.by.subject,
    }
    if kind in bodies.REVOCATIONS:
        row["until_unix_s"] = body["until_unix_s"]
    elif kind is Kind.DATASET:
        row["sequence"] = writing.sequence
    return row


def _present(connection: Connection, kind: Kind, keys: Iterable[str]) -> dict[str, Record]:
    table = RECORDS[kind]
    rows = connection.execute(select(table).where(table.c.key.in_(list(keys))))
    return {row["key"]: _record(kind, row) for row in rows.mappings()}


def _past(connection: Connection, kind: Kind, keys: Collection[str]) -> dict[str, int]:
    """How many changes there were of what is not there: an entity tag must not come back with another content."""
    past = select(history.c.key, func.count()).where(history.c.kind == kind.value, history.c.key.in_(list(keys)))
    return {key: count for key, count in connection.execute(past.group_by(history.c.key))}  # noqa: C416 - rows to pairs


def _record(kind: Kind, row: RowMapping) -> Record:
    return Record(kind, row["key"], row["version"], row["body"], row["changed_unix_s"], row["changed_by"])


def _same(one: object, other: object) -> bool:
    """As JSON: in Python 1, 1.0 and True are the same."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
