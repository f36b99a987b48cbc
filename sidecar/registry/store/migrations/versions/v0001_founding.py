"""The tables as they began, with the founding of the registry's sequences and the triggers that keep its history."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import context, op

revision = "0001"
down_revision = None

_KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BODY = sa.JSON(none_as_null=True)


def upgrade() -> None:
    """All of it in the caller's transaction."""
    _create_records()
    _create_lineage()
    _create_decisions()
    _create_history()
    _found()


def _create_records() -> None:
    _create_kind("dataset", ("sequence", sa.BigInteger()))
    _create_kind("model")
    _create_kind("group_mean")
    _create_kind("objection")
    _create_kind("revoked_token", ("until_unix_s", sa.Double()), ("bulk", sa.Integer()))
    _create_kind("revoked_subject", ("until_unix_s", sa.Double()), ("bulk", sa.Integer()))


def _create_kind(name: str, *own: tuple[str, sa.types.TypeEngine[Any]]) -> None:
    op.create_table(
        name,
        sa.Column("key", _KEY, primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", _BODY, nullable=False),
        sa.Column("changed_unix_s", sa.Double, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        *(sa.Column(column, kind, nullable=False) for column, kind in own),
        sqlite_with_rowid=False,
    )
    for column, _ in own:
        op.create_index(f"ix_{name}_{column}", name, [column])


def _create_lineage() -> None:
    deferred: dict[str, Any] = {"deferrable": True, "initially": "DEFERRED"}
    op.create_table(
        "dataset_parent",
        sa.Column("child", _KEY, sa.ForeignKey("dataset.key", ondelete="CASCADE", **deferred), primary_key=True),
        sa.Column("parent", _KEY, sa.ForeignKey("dataset.key", **deferred), primary_key=True),
    )
    op.create_index("ix_dataset_parent_parent", "dataset_parent", ["parent"])


def _create_decisions() -> None:
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("model", _KEY, nullable=False),
        sa.Column("means", _BODY, nullable=False),
        sa.Column("evidence", _BODY, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_unix_s", sa.Double, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_unix_s", sa.Double),
        sa.Column("why", sa.Text, nullable=False),
    )
    op.create_index("ix_proposal_model", "proposal", ["model"])
    op.create_table(
        "policy",
        sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("guards", _BODY, nullable=False),
        sa.Column("published_by", sa.Text, nullable=False),
        sa.Column("published_unix_s", sa.Double, nullable=False),
        sa.Column("archive", sa.LargeBinary, nullable=False),
    )


def _create_history() -> None:
    op.create_table(
        "history",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("unix_s", sa.Double, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", _KEY, nullable=False),
        sa.Column("before", _BODY),
        sa.Column("after", _BODY),
    )
    op.create_index("ix_history_kind_key", "history", ["kind", "key", "number"])
    for statement in _APPEND_ONLY[op.get_bind().dialect.name]:
        op.execute(statement)


_APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER history_no_{what} BEFORE {what} ON history "
        "BEGIN SELECT RAISE(ABORT, 'the history is only ever added to'); END"
        for what in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION history_refuses() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the history is only ever added to'; END $$",
        "CREATE TRIGGER history_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history "
        "FOR EACH STATEMENT EXECUTE FUNCTION history_refuses()",
    ],
}


def _found() -> None:
    """Sequences begin at the founding: engines that knew a former registry have seen lower ones, and refuse those."""
    head = op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("bulk", sa.Integer, nullable=False),
        sa.Column("bulk_unix_s", sa.Double, nullable=False),
    )
    document = op.create_table(
        "document",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("changed_unix_s", sa.Double, nullable=False),
    )
    unix_s: float = context.config.attributes["unix_s"]
    begun = {"sequence": int(unix_s * 1_000), "changed_unix_s": unix_s}
    op.bulk_insert(head, [{"id": 1, "sequence": begun["sequence"], "number": 0, "bulk": 0, "bulk_unix_s": 0.0}])
    op.bulk_insert(document, [{"name": name} | begun for name in ("data", "revocations", "revocations-earlier")])
