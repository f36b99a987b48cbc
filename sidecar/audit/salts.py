"""Salts of the audit trail: one a UTC day. Deleting a day's file forgets its people; the records stay valid.

They lie in `DIR/salts/`, shared by all worker slots; two processes at midnight agree on one salt.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import logging
from typing import TYPE_CHECKING

from sidecar.model.refusal import refused
from sidecar.secret_file import read_or_create

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.clock import Clock
    from sidecar.model.message import Body

logger = logging.getLogger("sidecar.audit")

FOLDER = "salts"
"""Below the audit folder."""
SALT_BYTES = 32
_BLOCK_BYTES = 64
RETRY_AFTER_S = 1
_ID_DIGITS = 8
_DAY_S = 86_400


class Salt:
    """One period's salt. `name` is what the record's `salt` says: the UTC day, and which salt of that day it was.

    A day whose salt was deleted may get another one; records under the first must not pass for some under that.
    """

    __slots__ = ("_inner", "_keyed", "_outer", "name")

    def __init__(self, period: str, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))
        self.name = f"{period}.{self.digest(b'salt')[:_ID_DIGITS]}"

    def digest(self, data: Body) -> str:
        """HMAC-SHA-256 under the salt, in hexadecimal (RFC 2104, section 2); half the cost of the library's `HMAC`."""
        inner, outer = self._inner.copy(), self._outer.copy()  # the key's two blocks are hashed once
        inner.update(data)
        outer.update(inner.digest())
        return outer.hexdigest()

    def running(self) -> hmac.HMAC:
        """The same for what comes in parts."""
        return self._keyed.copy()


class Salts:
    """The current period's salt, made on the first use of the period and then kept in memory."""

    def __init__(self, audit_dir: Path, clock: Clock) -> None:
        self._audit_dir = audit_dir
        self._clock = clock
        self._day: int | None = None
        self._salt = Salt("", b"")
        self._problem: str | None = None

    def current(self) -> Salt:
        """The salt of the clock's day; reads the disk once a day. Raises `Refused` audit_unavailable."""
        day = int(self._clock.unix_s() // _DAY_S)
        if day != self._day:
            self._salt = self._load(period_of(day))
            self._day = day
        return self._salt

    def _load(self, period: str) -> Salt:
        try:
            return Salt(period, read_or_create(salt_path(self._audit_dir, period), SALT_BYTES))
        except (OSError, ValueError) as error:
            if str(error) != self._problem:  # once for each cause, however many calls it refuses
                logger.error("the audit trail has no salt for %s: %s", period, error)  # noqa: TRY400 - the cause says it
            self._problem = str(error)
            raise refused(
                "audit_unavailable", "the audit trail has no salt for today", retry_after_s=RETRY_AFTER_S
            ) from error


def salt_path(audit_dir: Path, period: str) -> Path:
    """Where the salt of a period lies. Raises ValueError for what is no day: any other word could be a path."""
    try:
        is_day = datetime.date.fromisoformat(period).isoformat() == period
    except ValueError:
        is_day = False
    if not is_day:
        raise ValueError(f"{period!r} is no period: give a day as YYYY-MM-DD")
    return audit_dir / FOLDER / f"{period}.salt"


def period_of(day: int) -> str:
    """A day since the epoch as `YYYY-MM-DD`."""
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()
