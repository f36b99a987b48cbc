"""The registers of a data document: who and which token was revoked, who objects. Keys are pseudonyms.

Revocations come in two tiers where they are many (`rego/lib/revocations`): those of late an entry each, the bulk of
`earlier` packed by the first digits of the pseudonym. A file needs neither `earlier` nor `after`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator

REGISTERS: Mapping[str, tuple[str, ...]] = {"revocations": ("tokens", "subjects"), "objections": ("subjects",)}

_PREFIX = re.compile(r"[0-9a-f]{4}")
_PACKED = re.compile(r"[0-9a-f]{28}(?: [0-9a-f]{28})*")

Json = Mapping[str, object]


def register_problems(document: Json) -> Iterator[str]:
    """A line for each thing that is wrong with `revocations` and `objections`."""
    for key, parts in REGISTERS.items():
        value = document.get(key)
        if key == "revocations" or value is not None:
            yield from _register(key, value, parts)
    revocations = document.get("revocations")
    if is_object(revocations):
        yield from _tiers(revocations)


def _register(key: str, value: object, parts: tuple[str, ...]) -> Iterator[str]:
    for part in parts:
        entries = value.get(part) if is_object(value) else None
        if not is_object(entries):
            yield f"{key}.{part}: must be an object, empty where there are none"
            continue
        for name, entry in entries.items():
            if entry is False or entry is None:
                yield f"{key}.{part}.{name}: must not be false or null; an entry is an object, such as {{}}"


def _tiers(revocations: Json) -> Iterator[str]:
    """Whatever is wrong here refuses every call that needs consent: no revocation may be missing between the tiers."""
    after, earlier = revocations.get("after", 0), revocations.get("earlier")
    if not _is_number(after):
        yield "revocations.after: must be a whole number"
    if "earlier" not in revocations:
        if "after" in revocations:
            yield "revocations.after: there is no revocations.earlier from which to go on"
        return
    if not is_object(earlier):
        yield "revocations.earlier: must be an object"
        return
    number = earlier.get("number")
    if not _is_number(number):
        yield "revocations.earlier.number: must be a whole number"
    elif _is_number(after) and number < after:
        yield f"revocations.earlier.number: is {number}, and revocations.after says that {after} is needed"
    for part in REGISTERS["revocations"]:
        yield from _packed(f"revocations.earlier.{part}", earlier.get(part))


def _packed(path: str, value: object) -> Iterator[str]:
    if not is_object(value):
        yield f"{path}: must be an object, empty where there are none"
        return
    for prefix, packed in value.items():
        if not _PREFIX.fullmatch(prefix):
            yield f"{path}.{prefix}: is not four hexadecimal digits"
        elif not isinstance(packed, str) or not _PACKED.fullmatch(packed):
            yield f"{path}.{prefix}: must be groups of 28 hexadecimal digits with a space between"


def is_object(value: object) -> TypeGuard[Json]:
    """A JSON object."""
    return isinstance(value, Mapping)


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
