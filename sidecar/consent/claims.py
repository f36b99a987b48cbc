"""What a verified token says: its claims, their types checked strictly (RFC 7519, RFC 8693, contract 2)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sidecar.model.attributes import VALUE_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Claims:
    """Claims of the right types. Times are in Unix seconds; what the token does not say is None or empty."""

    issuer: str
    audiences: tuple[str, ...]
    subject: str
    expires_unix_s: float
    issued_unix_s: float | None
    not_before_unix_s: float | None
    token_id: str | None
    scopes: tuple[str, ...]
    groups: tuple[str, ...] | None
    data_version: str | None


def parse_claims(payload: dict[str, Any]) -> Claims:
    """Raises ValueError that names the first claim which is missing or wrong; it never quotes a value."""
    return Claims(
        issuer=_required(payload, "iss", _text),
        audiences=_required(payload, "aud", _audiences),
        subject=_required(payload, "sub", _text),
        expires_unix_s=_required(payload, "exp", _time),
        issued_unix_s=_optional(payload, "iat", _time),
        not_before_unix_s=_optional(payload, "nbf", _time),
        token_id=_optional(payload, "jti", _text),
        scopes=_optional(payload, "scope", _scopes) or (),
        groups=_optional(payload, "group", _groups),
        data_version=_optional(payload, "data_version", _short_text),
    )


def _required(payload: dict[str, Any], name: str, parse: Callable[[Any], T | None]) -> T:
    value = _optional(payload, name, parse)
    if value is None:
        raise ValueError(f"the claim {name} is missing")
    return value


def _optional(payload: dict[str, Any], name: str, parse: Callable[[Any], T | None]) -> T | None:
    """A claim that is there must be right; null is no value of any."""
    if name not in payload:
        return None
    value = parse(payload[name])
    if value is None:
        raise ValueError(f"the claim {name} has a wrong type or value")
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _short_text(value: Any) -> str | None:
    text = _text(value)
    return text if text and len(text.encode()) <= VALUE_LIMIT_BYTES else None


def _time(value: Any) -> float | None:
    """RFC 7519, section 2: NumericDate is a JSON number. bool is an int to Python, not to JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _audiences(value: Any) -> tuple[str, ...] | None:
    return (value,) if isinstance(value, str) else _texts(value)


def _scopes(value: Any) -> tuple[str, ...] | None:
    """A space-separated string, or a list of scopes without spaces; in order, without repeats."""
    if isinstance(value, str):
        return tuple(dict.fromkeys(scope for scope in value.split(" ") if scope))
    scopes = _texts(value)
    if scopes is None or any(" " in scope for scope in scopes):
        return None
    return tuple(dict.fromkeys(scopes))


def _texts(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    items = cast("list[Any]", value)
    return tuple(items) if all(_text(item) for item in items) else None


def _groups(value: Any) -> tuple[str, ...] | None:
    """Contract 2: groups are strings; integers are written as such, other numbers are malformed."""
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    groups = [_group(item) for item in items]
    return tuple(group for group in groups if group is not None) if None not in groups else None


def _group(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 1 << 63 else None
    return _short_text(value)
