"""A stand-in for TF Serving: it answers as it is told, and remembers what reached it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from tests.upstream import Asked, answering

if TYPE_CHECKING:
    from collections.abc import Generator


@dataclass
class StandIn:
    """`status` and `answer` are the next answer; `received` is emptied by whoever asks next; names in lower case."""

    url: str
    status: int = 200
    answer: bytes = b"{}"
    received: list[Asked] = field(default_factory=list[Asked])


@contextmanager
def stand_in() -> Generator[StandIn]:
    """Serves until the block ends."""
    played = StandIn("")

    def answer(asked: Asked) -> tuple[int, bytes]:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        played.received.append(replace(asked, headers=headers))
        return played.status, played.answer

    with answering(answer) as played.url:
        yield played
