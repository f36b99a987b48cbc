"""The tables. Migrations make them; this is how they are read and written, and a test holds the two together.

Of every kind of record there is a table with the same first columns, and the body as it was given. What the database
itself must know of a body has columns of its own: who descends from whom, when a revocation ends and which bulk has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

from sidecar.registry.values import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

metadata = MetaData()

KEY = Text().with_variant(Text(collation="C"), "postgresql")
"""In the order of its bytes, on every database alike: pages and documents depend on it."""
BODY = JSON(none_as_null=True)


def _records(name: str, *own: Column[float] | Column[int]) -> Table:
    return Table(
        name,
        metadata,
        Column("key", KEY, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("body", BODY, nullable=False),
        Column("changed_unix_s", Double, nullable=False),
        Column("changed_by", Text, nullable=False),
        *own,
        sqlite_with_rowid=False,  # kept in the order of keys, which is how documents are read
    )


def _revocations(name: str) -> Table:
    """`bulk`: the number of the first bulk that has it, which may be the next one."""
    return _records(
        name,
        Column("until_unix_s", Double, nullable=False, index=True),
        Column("bulk", Integer, nullable=False, index=True),
    )


dataset = _records("dataset", Column("sequence", BigInteger, nullable=False, index=True))
"""`sequence`: of the change that made it what it is."""
model = _records("model")
group_mean = _records("group_mean")
objection = _records("objection")
revoked_token = _revocations("revoked_token")
revoked_subject = _revocations("revoked_subject")

RECORDS: Mapping[Kind, Table] = {
    Kind.DATASET: dataset,
    Kind.MODEL: model,
    Kind.GROUP_MEAN: group_mean,
    Kind.OBJECTION: objection,
    Kind.REVOKED_TOKEN: revoked_token,
    Kind.REVOKED_SUBJECT: revoked_subject,
}
REVOCATIONS: Mapping[str, Table] = {"tokens": revoked_token, "subjects": revoked_subject}
"""By their name in the data document."""

dataset_parent = Table(
    "dataset_parent",
    metadata,
    Column(
        "child",
        KEY,
        ForeignKey("dataset.key", ondelete="CASCADE", deferrable=True, initially="DEFERRED"),
        primary_key=True,
    ),
    Column("parent", KEY, ForeignKey("dataset.key", deferrable=True, initially="DEFERRED"), primary_key=True),
    Index("ix_dataset_parent_parent", "parent"),
)
"""Deferred: of an import, children may come before their parents."""

proposal = Table(
    "proposal",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("model", KEY, nullable=False, index=True),
    Column("means", BODY, nullable=False),
    Column("evidence", BODY, nullable=False),
    Column("state", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_unix_s", Double, nullable=False),
    Column("decided_by", Text),
    Column("decided_unix_s", Double),
    Column("why", Text, nullable=False),
)

policy = Table(
    "policy",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("revision", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("guards", BODY, nullable=False),
    Column("published_by", Text, nullable=False),
    Column("published_unix_s", Double, nullable=False),
    Column("archive", LargeBinary, nullable=False),
)

history = Table(
    "history",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("unix_s", Double, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", KEY, nullable=False),
    Column("before", BODY),
    Column("after", BODY),
    Index("ix_history_kind_key", "kind", "key", "number"),
)
"""Only ever added to: triggers refuse the rest."""

head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("bulk", Integer, nullable=False),
    Column("bulk_unix_s", Double, nullable=False),
)
"""One row, which whoever writes locks first: the newest sequence, line of history and bulk."""

document = Table(
    "document",
    metadata,
    Column("name", Text, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("changed_unix_s", Double, nullable=False),
)
"""When what each bundle is made of has last changed."""
