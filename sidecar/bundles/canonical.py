"""JSON in the one form over which OPA hashes it: keys in order, no spaces, numbers as they stand in the text.

Source: OPA, `v1/bundle/hash.go`; strings as Go's encoder writes them without HTML escapes.
"""

from __future__ import annotations

import json
from typing import NoReturn, cast

import orjson

from sidecar.bundles.invalid import BundleInvalid


def canonical(document: object) -> bytes:
    """A document as canonical text: what a bundle holds, so that its bytes are what is hashed."""
    return _as_go(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))


def canonical_text(content: bytes, name: str) -> bytes:
    """A JSON text in canonical form; raises `BundleInvalid`, naming the file, for what is none."""
    try:
        quick = canonical(orjson.loads(content))
        # Of what is canonical already each number stands as it is written; of others orjson would write it anew.
        return quick if quick == content else _rewritten(content)
    except (ValueError, TypeError, RecursionError) as error:  # TypeError: a lone surrogate cannot be written
        raise BundleInvalid(f"{name}: is no JSON that OPA reads: {error}") from None


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _rewritten(content: bytes) -> bytes:
    return _canonical(json.loads(content, parse_int=_Number, parse_float=_Number, parse_constant=_refuse))


def _canonical(value: object) -> bytes:
    if isinstance(value, _Number):
        return value.encode()
    if isinstance(value, dict):
        members = sorted(cast("dict[str, object]", value).items())
        return b"{%b}" % b",".join([canonical(key) + b":" + _canonical(member) for key, member in members])
    if isinstance(value, list):
        return b"[%b]" % b",".join([_canonical(item) for item in cast("list[object]", value)])
    return canonical(value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _as_go(text: bytes) -> bytes:
    """U+2028 and U+2029, which can stand in strings only, are escaped."""
    return text.replace(b"\xe2\x80\xa8", rb"\u2028").replace(b"\xe2\x80\xa9", rb"\u2029")
