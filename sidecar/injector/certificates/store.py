"""Where certificates are kept, as a port: Secrets that are there, and the webhook configurations that trust them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


class Conflict(Exception):
    """Somebody else wrote to the Secret since it was read: read again, and think again."""

    def __init__(self, secret: str) -> None:
        super().__init__(secret)
        self.secret = secret


class StoreFailed(Exception):
    """The store does not do what is asked; says what stands in the way, and the remedy."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a Secret holds, and in which version."""

    data: Mapping[str, bytes]
    version: str


class Store(Protocol):
    """All of it raises `StoreFailed`. It blocks."""

    def read(self, secret: str) -> Kept:
        """What a Secret holds now."""
        ...

    def write(self, secret: str, data: Mapping[str, bytes], version: str) -> None:
        """Replaces the data of the version that was read; raises `Conflict` where there is a newer one."""
        ...

    def trust(self, bundle: bytes) -> bool:
        """Has the API server trust these authorities (PEM) when it calls our webhooks; whether that was news to it."""
        ...
