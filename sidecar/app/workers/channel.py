"""What supervisor and worker say to each other, a line of JSON each, on the worker's standard input and output.

The input's end means that the supervisor is gone: then the worker ends, too. Nothing of a request goes this way.
"""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.policy.followed import Told

if TYPE_CHECKING:
    from collections.abc import Mapping

LINE_LIMIT_BYTES = 16 << 20
"""Settings and problems may be long; both ends are ours."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a worker is told first. Descriptors are inherited; paths are of sockets in a private folder.

    `window_socket` is None where windows are shared elsewhere, `follows` whether it will be told of an engine.
    """

    settings: Mapping[str, Any]
    slot: int
    listener_fd: int
    counters_fd: int
    admin_socket: str
    window_socket: str | None
    follows: bool


class Kind(enum.StrEnum):
    """What a worker has to say."""

    SERVING = "serving"
    READY = "ready"
    PROBLEMS = "problems"
    BROKE = "broke"


@dataclass(frozen=True, slots=True)
class Word:
    """What a worker says. `texts` are problems, or why the audit log broke."""

    kind: Kind
    texts: tuple[str, ...] = ()
    engine: str = ""
    revision: str = ""


def line_of(said: Assignment | Told | Word) -> bytes:
    """To be written whole."""
    return orjson.dumps(asdict(said), option=orjson.OPT_APPEND_NEWLINE)


def assignment_of(line: bytes) -> Assignment:
    """See `line_of`."""
    return Assignment(**orjson.loads(line))


def told_of(line: bytes) -> Told:
    """See `line_of`."""
    told = orjson.loads(line)
    return Told(told["socket"], tuple(told["problems"]), told["restarts"])


def word_of(line: bytes) -> Word:
    """See `line_of`. Raises ValueError: a library may have printed something."""
    try:
        word = orjson.loads(line)
        return Word(Kind(word["kind"]), tuple(word["texts"]), word["engine"], word["revision"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"{line!r} is no word of a worker's") from error
