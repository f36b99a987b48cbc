"""A bundle's manifest: its revision, which parts of `data` it owns, and its place in the order of publication.

OPA's signatures say who made a bundle, not which of two is newer: an old one, put back, verifies as well. So the
manifest's metadata carry a sequence that only rises, and whoever activates bundles keeps the highest seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import orjson

from sidecar.bundles.invalid import BundleInvalid

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Manifest:
    """`roots`: paths below `data` with `/` between parts, `("",)` for all of it. `sequence`: Unix milliseconds of the
    publication, made to rise; None where whoever built the bundle gave none. `created_unix_s`: likewise.
    """

    revision: str
    roots: tuple[str, ...] = ("",)
    sequence: int | None = None
    created_unix_s: float | None = None

    def as_bytes(self) -> bytes:
        """As it stands in the archive: canonical, so that its bytes are what a signature covers."""
        document: Json = {"revision": self.revision, "roots": list(self.roots), "rego_version": 1}
        metadata = {"sequence": self.sequence, "created_unix_s": self.created_unix_s}
        known = {name: value for name, value in metadata.items() if value is not None}
        if known:
            document["metadata"] = known
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def of(cls, content: bytes) -> Manifest:
        """From an archive's `.manifest`; `{}` says nothing. Raises `BundleInvalid`."""
        try:
            document: object = orjson.loads(content)
        except ValueError as error:
            raise BundleInvalid(f".manifest: {error}") from None
        if not isinstance(document, dict):
            raise BundleInvalid(".manifest: revision must be a string, in an object")
        fields = cast("Json", document)
        metadata = fields.get("metadata")
        known = cast("Json", metadata) if isinstance(metadata, dict) else {}
        return cls(
            _text(fields.get("revision", "")),
            _roots(fields.get("roots", [""])),
            _whole(known.get("sequence")),
            _number(known.get("created_unix_s")),
        )


def next_sequence(last: int, unix_s: float) -> int:
    """The sequence of what is published now, after `last`: by the clock, and rising whatever the clock does.

    By the clock, so that a registry that is set up anew goes on above what engines have seen of the former one.
    """
    return max(last + 1, int(unix_s * 1_000))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BundleInvalid(".manifest: revision must be a string")
    return value


def _roots(value: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(item, str) for item in items):
        raise BundleInvalid(".manifest: roots must be a list of strings")
    return tuple(cast("list[str]", items))


def _whole(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise BundleInvalid(".manifest: metadata.sequence must be a whole number")


def _number(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise BundleInvalid(".manifest: metadata.created_unix_s must be a number")
