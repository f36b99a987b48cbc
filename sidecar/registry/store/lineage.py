"""Which data set was made from which: parents are on record, and nothing descends from itself."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from sidecar.policy.data_document import PROBLEM_LIMIT
from sidecar.registry.store import many
from sidecar.registry.store.tables import dataset, dataset_parent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Select

    from sidecar.registry.store.writing import Writing

CHILDREN_LISTED = 5


def replace(connection: Connection, parents: Mapping[str, Sequence[str]]) -> None:
    """Each data set's parents are these now. `problems` tells, after all of a change, whether they may be."""
    connection.execute(delete(dataset_parent).where(dataset_parent.c.child.in_(many.listed(connection, parents))))
    edges = [{"child": child, "parent": parent} for child, each in parents.items() for parent in each]
    many.insert(connection, dataset_parent, edges, {})


def problems(writing: Writing) -> list[str]:
    """Of the data sets that this change has made or changed: parents that are not there, or a cycle."""
    lost = writing.connection.execute(_lost(writing.sequence))
    found = [f"datasets.{child}.parents: {parent} is not there" for child, parent in lost]
    return found or _cycle(writing)


def children(connection: Connection, key: str) -> Sequence[str]:
    """Some of the data sets that were made from this one."""
    made = select(dataset_parent.c.child).where(dataset_parent.c.parent == key, dataset_parent.c.child != key)
    return connection.scalars(made.order_by(dataset_parent.c.child).limit(CHILDREN_LISTED)).all()


def _lost(sequence: int) -> Select[str, str]:
    parent = dataset.alias("parent")
    edges = dataset_parent.join(dataset, dataset.c.key == dataset_parent.c.child)
    return (
        select(dataset_parent.c.child, dataset_parent.c.parent)
        .select_from(edges.outerjoin(parent, parent.c.key == dataset_parent.c.parent))
        .where(dataset.c.sequence == sequence, parent.c.key.is_(None))
        .order_by(dataset_parent.c.child, dataset_parent.c.parent)
        .limit(PROBLEM_LIMIT)
    )


def _cycle(writing: Writing) -> list[str]:
    """A change closes a cycle only through what it changed: so its ancestors are all that must be looked at."""
    changed = (
        select(dataset_parent.c.child, dataset_parent.c.parent)
        .join(dataset, dataset.c.key == dataset_parent.c.child)
        .where(dataset.c.sequence == writing.sequence)
        .cte("ancestry", recursive=True)
    )
    further = select(dataset_parent.c.child, dataset_parent.c.parent).join(
        changed, dataset_parent.c.child == changed.c.parent
    )
    graph = TopologicalSorter[str]()
    for child, parent in writing.connection.execute(select(changed.union(further))):
        graph.add(child, parent)
    try:
        graph.prepare()
    except CycleError as error:
        descent: Sequence[str] = error.args[1]
        return [f"datasets.{descent[-1]}.parents: it would descend from itself: {' from '.join(reversed(descent))}"]
    return []
