"""Secrets in memory, as the API server keeps them: a version each, and who comes second is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.injector.certificates.store import Conflict, Kept, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class MemoryStore:
    """A `Store`. `before_write` runs in the gap between somebody's reading and writing."""

    def __init__(self, *secrets: str) -> None:
        self.secrets: dict[str, Kept] = {name: Kept({}, "1") for name in secrets}
        self.bundle = b""
        self.writes: list[str] = []
        self.before_write: list[Callable[[], None]] = []

    def read(self, secret: str) -> Kept:
        if secret not in self.secrets:
            raise StoreFailed(f"Secret {secret}: 404")
        return self.secrets[secret]

    def write(self, secret: str, data: Mapping[str, bytes], version: str) -> None:
        if self.before_write:
            self.before_write.pop(0)()
        if self.secrets[secret].version != version:
            raise Conflict(secret)
        self.writes.append(secret)
        self.secrets[secret] = Kept(dict(data), str(int(version) + 1))

    def trust(self, bundle: bytes) -> bool:
        news, self.bundle = self.bundle != bundle, bundle
        return news
