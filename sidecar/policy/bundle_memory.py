"""What is known of bundles beyond a restart: the highest sequences, and when each was last known to be current."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidecar.policy.age import Confirmed
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES_LIMIT = 1_024
"""Names of bundles, those of former configurations included."""


class Memory(Protocol):
    """Where it is kept. Blocks: use a thread. Both raise OSError."""

    def read(self) -> bytes | None:
        """The content; None where there was none yet."""
        ...

    def replace(self, content: bytes) -> None:
        """Makes it durable, whole."""
        ...


@dataclass(frozen=True, slots=True)
class Remembered:
    """By the bundle's name."""

    sequences: Mapping[str, int] = field(default_factory=dict[str, int])
    confirmed: Mapping[str, Confirmed] = field(default_factory=dict[str, Confirmed])


def joined(one: Remembered, other: Remembered) -> Remembered:
    """What both know together: of each bundle the highest sequence, and the last confirmation."""
    names = {*one.sequences, *other.sequences}
    confirmed = dict(one.confirmed)
    for name, last in other.confirmed.items():
        confirmed[name] = max(last, confirmed.get(name, last), key=lambda each: each.unix_s)
    return Remembered(
        {name: max(one.sequences.get(name, 0), other.sequences.get(name, 0)) for name in names}, confirmed
    )


class _Shape(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", defer_build=True)


class _Bundle(_Shape):
    sequence: Annotated[int, Field(ge=0)] | None = None
    revision: str | None = None
    confirmed_unix_s: Annotated[float, Field(allow_inf_nan=False)] | None = None


class _File(_Shape):
    format: Literal[1]
    bundles: Annotated[dict[str, _Bundle], Field(max_length=NAMES_LIMIT)]


def encode(known: Remembered) -> bytes:
    """As JSON; raises `PolicyProblems` where there are more names than may be."""
    names = sorted({*known.sequences, *known.confirmed})
    if len(names) > NAMES_LIMIT:
        raise PolicyProblems([f"more than {NAMES_LIMIT} names of bundles were seen: they must be steady in OPA's file"])
    bundles: dict[str, dict[str, object]] = {name: {} for name in names}
    for name, sequence in known.sequences.items():
        bundles[name]["sequence"] = sequence
    for name, confirmed in known.confirmed.items():
        bundles[name] |= {"revision": confirmed.revision, "confirmed_unix_s": confirmed.unix_s}
    return orjson.dumps({"format": 1, "bundles": bundles}, option=orjson.OPT_INDENT_2)


def decode(content: bytes) -> Remembered:
    """What `encode` wrote; raises ValueError for anything else: what is forgotten could be rolled back unseen."""
    try:
        bundles = _File.model_validate_json(content).bundles
    except ValidationError as error:
        raise ValueError(error.errors(include_url=False, include_input=False)[0]["msg"]) from None
    return Remembered(
        {name: bundle.sequence for name, bundle in bundles.items() if bundle.sequence is not None},
        {
            name: Confirmed(bundle.revision, bundle.confirmed_unix_s)
            for name, bundle in bundles.items()
            if bundle.revision is not None and bundle.confirmed_unix_s is not None
        },
    )
