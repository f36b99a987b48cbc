"""The facade that the API, imports and means use: what is on record, who changed it, and what bundles are made of it.

Each method that changes something is one transaction with its lines of history and one new sequence: all of it or
nothing, whatever else is being written, by this process or another one. What is not carried out raises a
`RegistryRefused` of `values`. Blocking: call it from threads; each call takes a connection of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.registry.store import database, documents, export, history, policies, proposals, records, revoked
from sidecar.registry.values import Author, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Engine

    from sidecar.bundles.manifest import Manifest
    from sidecar.model.clock import Clock
    from sidecar.registry.values import Change, Document, Json, Proposal, Published, Record

OURSELVES = Author("registry")
"""Who is on record for housekeeping."""


class Registry:
    """One database, which others may use at the same time."""

    def __init__(
        self, engine: Engine, clock: Clock, *, token_life_s: float, recent_limit: int = revoked.RECENT_LIMIT
    ) -> None:
        """`engine`: of `database.open_engine`. `token_life_s`: how long a consent token can live at most, and so how
        long a revocation is kept unless it says otherwise. `recent_limit`: see `consolidate`."""
        self._engine = engine
        self._clock = clock
        self._token_life_s = token_life_s
        self._recent_limit = recent_limit

    def get(self, kind: Kind, key: str) -> Record | None:
        """The record; None where there is none."""
        with database.reading(self._engine) as connection:
            return records.get(connection, kind, key)

    def page(self, kind: Kind, *, after: str = "", limit: int = 100) -> list[Record]:
        """Records in the order of their keys' bytes, from the first one behind `after`."""
        with database.reading(self._engine) as connection:
            return records.page(connection, kind, after, limit)

    def put(
        self,
        kind: Kind,
        key: str,
        body: Json,
        *,
        by: Author,
        if_match: int | None,
        must_be_new: bool = False,
    ) -> Record:
        """The record as it stands then. What has this very body already is left as it is.

        Raises `Invalid` with every problem; `Conflict`: `must_be_new`, and it is there; `Unexpected`: it is there, and
        `if_match` names no version; `Stale`: it has another version, or is gone.
        """
        with self._writing(by) as writing:
            return records.put(writing, kind, key, body, if_match, must_be_new=must_be_new)

    def put_many(self, kind: Kind, items: Iterable[tuple[str, Json]], *, by: Author) -> int:
        """How many were new or changed. Of several with one key the last counts. Raises `Invalid`."""
        return self.load({kind: items}, by=by)[kind]

    def load(self, items: Mapping[Kind, Iterable[tuple[str, Json]]], *, by: Author) -> dict[Kind, int]:
        """`put_many` for several kinds in one transaction."""
        with self._writing(by) as writing:
            return records.load(writing, items)

    def delete(self, kind: Kind, key: str, *, by: Author, if_match: int | None) -> None:
        """Raises `Missing`, `Unexpected`, `Stale`; `Conflict`: others refer to it."""
        with self._writing(by) as writing:
            records.delete(writing, kind, key, if_match)

    def set_rule(self, model: str, rule: str, mode: str, *, by: Author, if_match: int | None) -> Record:
        """A model's rule goes to another mode (`enforce`, `shadow`, `off`). `if_match` None: whatever its version.

        Raises `Missing`, `Stale`, `Invalid`.
        """
        with self._writing(by) as writing:
            return records.set_rule(writing, model, rule, mode, if_match)

    def history(
        self, *, after: int = 0, limit: int = 100, kind: str | None = None, key: str | None = None
    ) -> list[Change]:
        """Lines in order, from the first with a `number` above `after`; of one kind, of one key."""
        with database.reading(self._engine) as connection:
            return history.page(connection, after, limit, kind, key)

    def propose(self, model: str, body: Json, *, by: Author) -> Proposal:
        """Group means with their evidence (`drift`): active at once where the model's rule covers them, else open,
        with why they wait. Takes the place of the model's other open one. Raises `Missing`, `Invalid`."""
        with self._writing(by) as writing:
            return proposals.propose(writing, model, body)

    def proposals(self, model: str, limit: int = 100) -> list[Proposal]:
        """A model's, the newest first."""
        with database.reading(self._engine) as connection:
            return proposals.of_model(connection, model, limit)

    def activate(self, number: int, *, by: Author) -> Proposal:
        """A person's word for an open proposal. Raises `Missing`, `Conflict` (it is decided), `Invalid` (the model has
        changed since), `NotAllowed`: no person, or the one who proposed it."""
        with self._writing(by) as writing:
            return proposals.activate(writing, number)

    def reject(self, number: int, *, by: Author, why: str) -> Proposal:
        """Raises `Missing`, `Conflict`."""
        with self._writing(by) as writing:
            return proposals.reject(writing, number, why)

    def publish(self, archive: bytes, manifest: Manifest, *, by: Author) -> Published:
        """Whoever calls has examined the archive (`policy.examine`). The very one that is out already stays as it is.
        Raises `Invalid`; `Conflict`: its sequence does not rise, or a model's rules name a guard that it lacks."""
        with self._writing(by) as writing:
            return policies.publish(writing, archive, manifest)

    def policies(self, limit: int = 100) -> list[Published]:
        """The newest first."""
        with database.reading(self._engine) as connection:
            return policies.newest(connection, limit)

    def policy_archive(self) -> tuple[Published, bytes] | None:
        """The newest with its bytes, as they were published; None before the first."""
        with database.reading(self._engine) as connection:
            return policies.archive(connection)

    def data_document(self) -> Document:
        """Models, data sets, group means and objections, as far as engines need them."""
        with database.reading(self._engine) as connection:
            return documents.data(connection)

    def revocations(self) -> Document:
        """`{"revocations": {"tokens": {id: 1}, "subjects": {id: 1}, "after": M}}`: all that the bulk `M` lacks."""
        with database.reading(self._engine) as connection:
            return revoked.recent(connection)

    def earlier(self) -> Document:
        """`{"revocations": {"earlier": {"number": N, "tokens": {"ab12": "<28 hex> <28 hex>"}, "subjects": …}}}`: the
        bulk, ids cut to 32 hexadecimal digits, by their first four."""
        with database.reading(self._engine) as connection:
            return revoked.earlier(connection)

    def consolidate(self) -> bool:
        """A new bulk, where the recent tier has outgrown `recent_limit` and engines have had time for the last one;
        whether it was made. For housekeeping: call it every few seconds."""
        return revoked.consolidate(self._engine, self._clock, OURSELVES, self._recent_limit)

    def forget_expired(self) -> int:
        """Lets go of revocations that no living token can need; how many. For housekeeping: each time that it finds
        some in the bulk, every engine fetches that anew, so call it daily rather than every minute."""
        return revoked.forget_expired(self._engine, self._clock, OURSELVES)

    def sequence(self) -> int:
        """Of the newest change."""
        with database.reading(self._engine) as connection:
            return history.newest(connection)

    def sequences(self) -> dict[str, int]:
        """Of the last change of what each bundle is made of, by the bundle's name; `policy`: of the newest policy, once
        there is one. Cheap: servers poll it."""
        with database.reading(self._engine) as connection:
            found = documents.sequences(connection)
            for newest in policies.newest(connection, 1):
                found["policy"] = newest.sequence
            return found

    def export(self, at_unix_s: float | None = None) -> Json:
        """The whole data document (contract 5), flat: now, or as it was then, out of the history."""
        with database.reading(self._engine) as connection:
            return export.document(connection, at_unix_s)

    def _writing(self, by: Author) -> database.WritingContext:
        return database.writing(self._engine, self._clock, by, token_life_s=self._token_life_s)
