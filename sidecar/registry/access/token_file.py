"""The file of `--tokens`: who may use the registry, by the SHA-256 of their tokens. The tokens are not in it.

    - {sha256: "9f86d0…", subject: ana, roles: [steward], person: true}
    - {sha256: "60303a…", subject: credit-sidecars, roles: [engine]}

A list in YAML or JSON, read anew when it changes; a change that is no good is told in the log, and the last good list
holds.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import yaml

from sidecar.file_changes import FileChanges
from sidecar.registry.access.callers import Caller, Role

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sidecar.model.clock import Clock

TOKENS_LIMIT = 1_000
"""Each presented token is compared with all of them."""
FILE_LIMIT_BYTES = 1 << 20
LOOK_S = 1.0
PREFIX = "mps_"
"""So that a scanner for secrets knows one when it sees it."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEMBERS = frozenset({"sha256", "subject", "roles", "person"})
_log = logging.getLogger("sidecar.registry")


class TokenFileInvalid(Exception):
    """A file that names no callers; `problems` has all that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entry:
    """One token. `digest`: its SHA-256."""

    digest: bytes
    caller: Caller


class FileTokens:
    """A `Verifier` over a file, looked at once a second at most."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Reads the file; raises `TokenFileInvalid`."""
        self._path = path
        self._changes = FileChanges([path], LOOK_S, clock.monotonic_s)
        self._entries = read(path)

    async def caller(self, token: str) -> Caller | None:
        """See `Verifier`. In the same time wherever in the file it stands, and whatever of it is right."""
        self._look()
        digest = hashlib.sha256(token.encode()).digest()
        found: Caller | None = None
        for entry in self._entries:
            if hmac.compare_digest(entry.digest, digest):
                found = entry.caller
        return found

    def _look(self) -> None:
        if not self._changes.seen():
            return
        try:
            self._entries = read(self._path)
        except TokenFileInvalid as invalid:
            _log.error("%s: the list as it was goes on: %s", self._path, invalid)


def read(path: Path) -> tuple[Entry, ...]:
    """All entries; raises `TokenFileInvalid` with every problem."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise TokenFileInvalid([f"{path}: {error.strerror}; `sidecar registry token` makes it"]) from None
    if len(content) > FILE_LIMIT_BYTES:
        raise TokenFileInvalid([f"{path}: is over {FILE_LIMIT_BYTES} bytes"])
    return parse(content, str(path))


def parse(content: bytes, name: str) -> tuple[Entry, ...]:
    """The entries of a file's content; `name` is for the problems."""
    try:
        document: object = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TokenFileInvalid([f"{name}: is neither YAML nor JSON: {' '.join(str(error).split())}"]) from None
    if not isinstance(document, list) or len(cast("list[object]", document)) > TOKENS_LIMIT:
        raise TokenFileInvalid([f"{name}: must be a list of at most {TOKENS_LIMIT} tokens"])
    items = cast("list[object]", document)
    problems = [f"{name}[{index}].{problem}" for index, item in enumerate(items) for problem in _problems(item)]
    if not problems:
        entries = tuple(_entry(cast("dict[str, object]", item)) for item in items)
        if len({entry.digest for entry in entries}) == len(entries):
            return entries
        problems = [f"{name}: a token stands more than once"]
    raise TokenFileInvalid(problems)


def made(subject: str, roles: list[Role], *, person: bool) -> tuple[str, str]:
    """A new token, and the line for it in the file."""
    token = PREFIX + secrets.token_urlsafe(32)
    digest = hashlib.sha256(token.encode()).hexdigest()
    members = {"sha256": digest, "subject": subject, "roles": [str(role) for role in roles], "person": person}
    line = yaml.safe_dump(members, default_flow_style=True, sort_keys=False, width=1 << 16, allow_unicode=True)
    return token, f"- {line.strip()}\n"


def _problems(item: object) -> Iterator[str]:
    fields = cast("dict[object, object]", item) if isinstance(item, dict) else {}
    for member in sorted(str(name) for name in fields if name not in _MEMBERS):
        yield f"{member}: not known; only {', '.join(sorted(_MEMBERS))} are"
    if not isinstance(digest := fields.get("sha256"), str) or not _SHA256.fullmatch(digest):
        yield "sha256: must be 64 hexadecimal digits in quotes"
    if not isinstance(subject := fields.get("subject"), str) or not subject or not subject.isprintable():
        yield "subject: must be a name"
    roles = fields.get("roles")
    if not isinstance(roles, list) or not roles or not all(role in list(Role) for role in cast("list[object]", roles)):
        yield f"roles: must be a list of some of {', '.join(Role)}"
    if not isinstance(fields.get("person", False), bool):
        yield "person: must be true or false"


def _entry(fields: dict[str, object]) -> Entry:
    roles = frozenset(Role(role) for role in cast("list[str]", fields["roles"]))
    caller = Caller(str(fields["subject"]), roles, bool(fields.get("person", False)))
    return Entry(bytes.fromhex(str(fields["sha256"])), caller)
