"""Policies as they were published: kept as the bytes that they came as, in an order that only rises."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, cast

from sqlalchemy import insert, select

from sidecar.bundles import archive as archives
from sidecar.bundles.invalid import BundleInvalid
from sidecar.policy.compose import Modules, compose
from sidecar.policy.data_document import check_entry
from sidecar.policy.examine import manifest_problems
from sidecar.registry.store import bodies
from sidecar.registry.store.tables import model, policy
from sidecar.registry.values import Conflict, Invalid, Kind, Published

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection

    from sidecar.bundles.manifest import Manifest
    from sidecar.registry.store.writing import Writing
    from sidecar.registry.values import Json

KIND = "policy"
_COLUMNS = (policy.c.sequence, policy.c.revision, policy.c.digest, policy.c.published_by, policy.c.published_unix_s)
_NEWEST_FIRST = policy.c.sequence.desc()


def publish(writing: Writing, archive: bytes, manifest: Manifest) -> Published:
    """See `Registry.publish`."""
    digest, last = hashlib.sha256(archive).hexdigest(), newest(writing.connection, 1)
    if last and last[0].digest == digest:
        return last[0]
    guards = _guards_in(archive)
    sequence = _checked(manifest, last)
    _check_models(writing.connection, guards)
    made = Published(sequence, manifest.revision, digest, writing.by.subject, writing.unix_s)
    told: Json = {"sequence": made.sequence, "revision": made.revision, "digest": made.digest}
    row = told | {"published_by": made.published_by, "published_unix_s": made.published_unix_s}
    writing.connection.execute(insert(policy), [row | {"guards": sorted(guards), "archive": archive}])
    writing.note("published", KIND, manifest.revision, None, told)
    return made


def newest(connection: Connection, limit: int) -> list[Published]:
    """See `Registry.policies`."""
    return [Published(*row) for row in connection.execute(select(*_COLUMNS).order_by(_NEWEST_FIRST).limit(limit))]


def archive(connection: Connection) -> tuple[Published, bytes] | None:
    """See `Registry.policy_archive`."""
    row = connection.execute(select(*_COLUMNS, policy.c.archive).order_by(_NEWEST_FIRST).limit(1)).one_or_none()
    return None if row is None else (Published(*row[:-1]), row.archive)


def guards(connection: Connection) -> Collection[str] | None:
    """The guards of the newest policy, which are all that a model's rules may name; None where none was published."""
    return connection.scalars(select(policy.c.guards).order_by(_NEWEST_FIRST).limit(1)).one_or_none()


def _checked(manifest: Manifest, last: list[Published]) -> int:
    """Its sequence."""
    if problems := manifest_problems(manifest):
        raise Invalid(*problems)
    sequence = cast("int", manifest.sequence)
    if last and sequence <= last[0].sequence:
        raise Conflict(
            f"its sequence {sequence} is not above {last[0].sequence}, that of {last[0].revision}, which is out: "
            "engines would refuse it as rolled back; build it anew"
        )
    return sequence


def _guards_in(archive: bytes) -> Collection[str]:
    try:
        files = archives.read(archive)
        modules = {path: content.decode() for path, content in files.items() if path.endswith(".rego")}
    except (BundleInvalid, UnicodeDecodeError) as error:
        raise Invalid(f"the archive is no bundle of Rego: {error}") from None
    return compose(Modules(modules, {})).guards


def _check_models(connection: Connection, guards: Collection[str]) -> None:
    """A rule that no guard has would refuse every call of its model."""
    rows = connection.execute(select(model.c.key, model.c.body))
    facts = ((key, bodies.for_engines(Kind.MODEL, body)) for key, body in rows)
    if problems := [told for key, of_model in facts for told in check_entry("models", key, of_model, guards)]:
        raise Conflict(*problems)
