"""What every format comes to: records with the place that each was read from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.registry.values import Json, Kind

FILE_LIMIT_BYTES = 16 << 20
"""As much as the registry takes at once: an import is one change, or none."""


class Where(Protocol):
    """A place in a file; its text is what a person looks for: `loans.csv:3`."""

    def __str__(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file, from 1."""

    file: Path
    number: int

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record to be written."""

    kind: Kind
    key: str
    body: Json
    where: Where


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something at a place is no record."""

    where: Where
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


Read = Entry | Problem


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds of data sets whose file does not say it; None: then it is a problem."""

    created_unix_s: float | None = None
    consent_scopes: tuple[str, ...] | None = None


class NotRead(Exception):
    """A file as a whole is not what it should be. The message says where, and why."""


def read_text(path: Path) -> str:
    """All of a file, within bounds; a byte order mark is no part of it. Raises NotRead, OSError."""
    with path.open("rb") as file:
        content = file.read(FILE_LIMIT_BYTES + 1)
    if len(content) > FILE_LIMIT_BYTES:
        raise NotRead(f"{path}: is over {FILE_LIMIT_BYTES >> 20} MiB, more than is imported at once: split it")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise NotRead(f"{path}:{line}: is not UTF-8") from None


def words(text: str) -> list[str]:
    """Names with spaces between them, as scopes of a token are written (RFC 8693)."""
    return text.split()


def unix_s(text: str) -> float:
    """Seconds since 1970, a date, or a date and time (UTC where no offset is given). Raises ValueError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = _moment(text).timestamp()
    if not math.isfinite(seconds):
        raise ValueError(f"{text!r} is no time")
    return seconds


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time: write 2026-11-20, 2026-11-20T13:00:00Z or 1795179600") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def dataset_body(texts: dict[str, str], defaults: Defaults) -> tuple[Json, list[str]]:
    """A data set's body out of the words of a table or of tags, and what is wrong with them.

    `texts`: `created`, `consent_scopes`, `parents`, `source`, `checksum`; what is empty counts as not said.
    """
    problems: list[str] = []
    body: Json = {"parents": words(texts.get("parents", ""))}
    try:
        body["created_unix_s"] = unix_s(texts["created"]) if texts.get("created") else defaults.created_unix_s
    except ValueError as error:
        problems.append(f"created: {error}")
    scopes = words(texts.get("consent_scopes", "")) or defaults.consent_scopes
    body["consent_scopes"] = None if scopes is None else list(scopes)
    problems += [_missing(name) for name in ("created_unix_s", "consent_scopes") if name in body and body[name] is None]
    return body | {name: texts[name] for name in ("source", "checksum") if texts.get(name)}, problems


def _missing(member: str) -> str:
    name, option = _SAID_BY[member]
    return f"{name} is not said: add it, or say with {option} what holds where nothing else is said"


_SAID_BY = {"created_unix_s": ("created", "--created"), "consent_scopes": ("consent_scopes", "--consent-scopes")}
