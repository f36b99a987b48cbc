"""The whole data document (contract 5) as one file has it: revocations in one tier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.registry.store import bodies, documents, history
from sidecar.registry.values import Kind

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sidecar.registry.values import Json


def document(connection: Connection, at_unix_s: float | None) -> Json:
    """See `Registry.export`."""
    if at_unix_s is None:
        return documents.placed(documents.of_kind(connection, kind) for kind in Kind)
    number = history.last_number(connection, at_unix_s)
    return documents.placed((kind, _as_of(connection, number, kind)) for kind in Kind)


def _as_of(connection: Connection, number: int, kind: Kind) -> dict[str, object]:
    return {key: bodies.for_engines(kind, body) for key, body in history.as_of(connection, number, kind)}
