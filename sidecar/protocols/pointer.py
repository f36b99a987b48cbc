"""JSON pointers (RFC 6901) into a decoded answer."""

from __future__ import annotations

import re

from sidecar.protocols.rows import ABSENT
from sidecar.protocols.strict_json import is_array, is_object

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_ESCAPE = re.compile(r"~(?![01])")


def resolve(document: object, pointer: str) -> object:
    """The value at a pointer, the whole document at the empty one, or `ABSENT`."""
    if _BAD_ESCAPE.search(pointer):
        return ABSENT
    value = document
    for token in pointer.split("/")[1:]:
        # RFC 6901 section 4: first ~1, then ~0, so that ~01 becomes ~1.
        value = _step(value, token.replace("~1", "/").replace("~0", "~"))
    return value


def _step(value: object, key: str) -> object:
    if is_object(value):
        return value.get(key, ABSENT)
    if is_array(value) and _INDEX.fullmatch(key) and int(key) < len(value):
        return value[int(key)]
    return ABSENT
