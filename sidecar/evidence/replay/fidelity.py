"""Whether a recorded input is, for one policy, as good as the one that was judged; and making it so. Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.evidence.replay.reads import (
    ADDRESS,
    EXPLANATION,
    FEATURES,
    HAS_EXPLANATION,
    SUBJECT,
    TOKEN_ID,
)
from sidecar.evidence.replay.rows import Json, Skipped, Why

if TYPE_CHECKING:
    from collections.abc import Collection

    from sidecar.audit.salts import Salt
    from sidecar.evidence.replay.reads import InputPath
    from sidecar.evidence.replay.rows import Row

_EMPTY: tuple[Any, ...] = (False, "", [], {})
"""What is no explanation to the shipped guard: under its salt, a digest tells these apart from all others."""


def restored(asked: Json, salt: Salt | None) -> Json:
    """The input with an explanation that was empty put back in place of its digest."""
    prediction = cast("Json | None", asked.get("prediction"))
    if salt is None or prediction is None or prediction.get("explanation") is None:
        return asked
    empty = _empty_digests(salt)
    digest = prediction["explanation"]
    if digest not in empty:
        return asked
    return {**asked, "prediction": {**prediction, "explanation": empty[digest]}}


def obstacle(
    row: Row, asked: Json, reads: Collection[InputPath], salt: Salt | None, *, registers: bool
) -> Skipped | None:
    """Why the row's decision cannot be told from its record. `asked`: the restored input.

    `registers`: whether the policy's data names any person or token that the subject may be looked up among.
    """
    for path in (ADDRESS, FEATURES, EXPLANATION):
        value = _at(asked, path)
        if path in reads and value is not None and not (path == EXPLANATION and value in _EMPTY):
            return Skipped(row.place, Why.VALUE_NOT_RECORDED, ".".join(path))
    if salt is not None:
        return None
    if HAS_EXPLANATION in reads and _at(asked, EXPLANATION) is not None:
        return Skipped(row.place, Why.SALT_DELETED, ".".join(EXPLANATION))
    for path in (SUBJECT, TOKEN_ID):
        if registers and path in reads and _at(asked, path) is not None:
            return Skipped(row.place, Why.SALT_DELETED, ".".join(path))
    return None


def _at(asked: Json, path: tuple[str, ...]) -> object:
    parent: object = asked.get(path[0])
    return cast("Json", parent).get(path[1]) if isinstance(parent, dict) else None


@lru_cache(maxsize=8)
def _empty_digests(salt: Salt) -> dict[object, object]:
    return {salt.digest(orjson.dumps(value)): value for value in _EMPTY}
