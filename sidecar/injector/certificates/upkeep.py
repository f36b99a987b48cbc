"""Upkeep of certificates that manage themselves. Every replica does it, and none is special.

A round reads the Secrets, plans, and writes what is not as planned: the authority first, then leaves, each in the
version that was read. Whoever comes second is told so (409), reads again, and finds nothing left to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.injector.certificates.authority import names_of
from sidecar.injector.certificates.plan import Planned, Renew, plan
from sidecar.injector.certificates.secrets import AuthorityUnreadable, leaf_of
from sidecar.injector.certificates.store import Conflict, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sidecar.injector.certificates.secrets import Data
    from sidecar.injector.certificates.store import Kept, Store

ATTEMPTS_LIMIT = 5
"""Each lost race means that another replica got on; so many are not there."""


@dataclass(frozen=True, slots=True)
class Names:
    """What the chart calls a release's objects: `release` is its full name."""

    release: str

    @property
    def authority(self) -> str:
        """The Secret of the authority."""
        return f"{self.release}-ca"

    @property
    def injector(self) -> str:
        """The Secret of the injector's certificate."""
        return f"{self.release}-injector-tls"

    @property
    def registry(self) -> str:
        """The Secret of the registry's certificate."""
        return f"{self.release}-registry-tls"


def service_names(service: str, namespace: str) -> tuple[str, ...]:
    """How a Service is called from within the cluster; the API server says `SERVICE.NAMESPACE.svc`."""
    full = f"{service}.{namespace}.svc"
    return (full, f"{full}.cluster.local", f"{service}.{namespace}", service)


class Upkeep:
    """The certificates of one release. `leaves`: the Secret of each, and for which DNS names it is."""

    def __init__(
        self, store: Store, names: Names, leaves: Mapping[str, Sequence[str]], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._names = names
        self._leaves = dict(leaves)
        self._now = now

    def round(self, renew: Renew = Renew.NOTHING) -> Planned:
        """What the Secrets hold after it; blocks. Raises `StoreFailed`."""
        for _ in range(ATTEMPTS_LIMIT):
            try:
                return self._attempt(renew)
            except Conflict as conflict:
                if renew is Renew.ALL and conflict.secret != self._names.authority:
                    renew = Renew.LEAVES  # the new authority stands
        raise StoreFailed(f"Secrets of {self._names.release} change faster than they can be read; it is tried again")

    def _attempt(self, renew: Renew) -> Planned:
        authority = self._store.read(self._names.authority)
        kept = {secret: self._store.read(secret) for secret in self._leaves}
        present = {secret: (names, kept[secret].data) for secret, names in self._leaves.items()}
        try:
            planned = plan(self._names.release, authority.data, present, self._now(), renew)
        except AuthorityUnreadable as error:
            raise StoreFailed(_unreadable(self._names.authority, str(error))) from None
        self._write(self._names.authority, authority, planned.authority)
        for secret, data in planned.leaves.items():
            self._write(secret, kept[secret], data)
        return planned

    def _write(self, secret: str, kept: Kept, data: Data) -> None:
        if dict(kept.data) != data:
            self._store.write(secret, data, kept.version)


def rotate(store: Store, names: Names, renew: Renew, now: Callable[[], datetime]) -> Planned:
    """Renews now what there is, for the names that it is for. Raises `StoreFailed`."""
    leaves: dict[str, Sequence[str]] = {}
    for secret in (names.injector, names.registry):
        present = leaf_of(store.read(secret).data)
        if present is not None:
            leaves[secret] = names_of(present.issued.certificate)
    if not leaves:
        raise StoreFailed(f"no certificate is in {names.injector} yet: `sidecar injector serve` makes the first one")
    planned = Upkeep(store, names, leaves, now).round(renew)
    store.trust(planned.bundle)
    return planned


def _unreadable(secret: str, problem: str) -> str:
    return (
        f"Secret {secret}: {problem}; restore it, or empty it for a new authority "
        f"""(kubectl patch secret {secret} --type=json -p '[{{"op":"remove","path":"/data"}}]') """
        "and make guarded pods anew, which trust the old one"
    )
