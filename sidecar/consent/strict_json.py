"""JSON objects as tokens and key sets must have them: UTF-8, RFC 8259, and no name twice."""

from __future__ import annotations

import json
from typing import Any, cast

import orjson


def parse_object(data: bytes) -> dict[str, Any]:
    """Raises ValueError that says what is wrong, without quoting the data.

    orjson refuses what RFC 8259 does (NaN, UTF-16, a BOM, lone surrogates, numbers beyond a double), but
    keeps the last of two equal names; the second reading finds those.
    """
    try:
        orjson.loads(data)
        value = json.loads(data, object_pairs_hook=_unique)
    except _RepeatedNameError:
        raise ValueError("a name stands twice in one object") from None
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - the caller's one kind of failure
    return cast("dict[str, Any]", value)


class _RepeatedNameError(ValueError):
    """Two equal names in one object."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _RepeatedNameError
    return members
