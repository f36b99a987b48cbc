"""A stack that answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Place:
    """What a stack is started with; `port` is the one to listen on."""

    folder: Path
    upstream: str  # host:port
    port: int
    tokens: Tokens
    programs: Mapping[str, str]

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class Running:
    """A stack that answers. `roots`: processes whose cost, with all that descend from them, is its cost."""

    address: str
    roots: Sequence[int]
    admin: str | None = None  # of ours
