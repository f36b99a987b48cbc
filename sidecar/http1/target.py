"""Where a pool connects to."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45}")


@dataclass(frozen=True, slots=True)
class Target:
    """One server: a TCP host and port, or the path of a Unix socket. Nothing of a path or a query."""

    scheme: str
    host: str
    port: int
    unix_path: str | None = None

    @classmethod
    def parse(cls, url: str) -> Target:
        """`http://host[:port]`, `https://host[:port]` or `unix://path`; ValueError says what is wrong."""
        if not url.isprintable():  # urlsplit would drop line breaks in silence
            raise ValueError(f"{url!r} has characters that no address has")
        if url.startswith("unix://"):
            path = url.removeprefix("unix://")
            if not path:
                raise ValueError(f"{url!r} names no socket: write unix:///run/model.sock")
            return cls("http", "localhost", 0, path)
        parts = urlsplit(url)
        if parts.scheme not in DEFAULT_PORTS:
            raise ValueError(f"{url!r} is none of http://host:port, https://host:port, unix://path")
        if parts.username is not None or parts.path not in ("", "/") or parts.query or parts.fragment:
            raise ValueError(f"{url!r} must be scheme, host and port only")
        if not parts.hostname or not _HOST.fullmatch(parts.hostname) or parts.port == 0:
            raise ValueError(f"{url!r} has no valid host and port")
        return cls(parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme])

    @property
    def authority(self) -> bytes:
        """The value of `Host` (RFC 9110 7.2): without the port where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.unix_path is not None or self.port == DEFAULT_PORTS[self.scheme]:
            return host.encode("ascii")
        return f"{host}:{self.port}".encode("ascii")

    def __str__(self) -> str:
        if self.unix_path is not None:
            return f"unix://{self.unix_path}"
        return f"{self.scheme}://{self.authority.decode('ascii')}"
