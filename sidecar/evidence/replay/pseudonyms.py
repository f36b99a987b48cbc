"""Pseudonyms of a period: the record's are under its salt, the policy's registers are not.

A policy looks a person up in `revocations` and `objections` by `subject` or `token_id`. For the replay of a period
the keys of these registers are put under that period's salt, so that the look-up finds what it found then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sidecar.audit.salts import SALT_BYTES, Salt, salt_path

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

REGISTERS = (("revocations", "tokens"), ("revocations", "subjects"), ("objections", "subjects"))


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
    return any(True for _, _, entries in _registers(data) if entries)


def under_salt(data: Mapping[str, Any], salt: Salt) -> dict[str, Any]:
    """The policy's data with the registers' keys as the period's records have them."""
    changed: dict[str, Any] = dict(data)
    for name, part, entries in _registers(data):
        keyed = {salt.digest(key.encode()): entry for key, entry in entries.items()}
        changed[name] = {**changed[name], part: keyed}
    return changed


def _registers(data: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for name, part in REGISTERS:
        register: object = data.get(name)
        entries = cast("Mapping[str, Any]", register).get(part) if isinstance(register, dict) else None
        if isinstance(entries, dict):
            yield name, part, cast("Mapping[str, Any]", entries)
