"""Pseudonyms of a period: the record's are under its salt, the policy's registers are not.

A policy looks a person up in `revocations` and `objections` by `subject` or `token_id`. For the replay of a period
the keys of these registers are put under that period's salt, so that the look-up finds what it found then. Of the
bulk of revocations (`revocations.earlier`) only a part of each key is known, which no salt can be put on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sidecar.audit.salts import SALT_BYTES, Salt, salt_path
from sidecar.policy.data_registers import REGISTERS
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def load_salt(audit_dir: Path | None, name: str | None) -> Salt | None:
    """The salt that a record names; None where it was deleted, or there are none at all, or the record names none.

    Raises OSError.
    """
    if audit_dir is None or name is None:
        return None
    period = name.partition(".")[0]
    try:
        key = salt_path(audit_dir, period).read_bytes()
    except (ValueError, FileNotFoundError):  # ValueError: the record names no day
        return None
    found = Salt(period, key)
    return found if len(key) == SALT_BYTES and found.name == name else None


def has_entries(data: Mapping[str, Any]) -> bool:
    """Whether any register names anybody."""
    return _has_bulk(data) or any(True for _ in _registers(data))


def under_salt(data: Mapping[str, Any], salt: Salt) -> dict[str, Any]:
    """The policy's data with the registers' keys as the period's records have them.

    Raises `PolicyProblems` where revocations are packed.
    """
    if _has_bulk(data):
        raise PolicyProblems(
            [
                "revocations.earlier is packed, and cannot be compared with the pseudonyms in records: "
                "use the data that `sidecar registry export` writes, which has each revocation as an entry"
            ]
        )
    changed: dict[str, Any] = dict(data)
    for name, part, entries in _registers(data):
        keyed = {salt.digest(key.encode()): entry for key, entry in entries.items()}
        changed[name] = {**changed[name], part: keyed}
    return changed


def _registers(data: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, parts in REGISTERS.items():
        for part in parts:
            entries = _member(_member(data, name), part)
            if entries:
                yield name, part, entries


def _has_bulk(data: Mapping[str, Any]) -> bool:
    earlier = _member(_member(data, "revocations"), "earlier")
    return any(_member(earlier, part) for part in REGISTERS["revocations"])


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Empty where there is no such object."""
    found: object = value.get(name)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}
