"""Erasure: a day's salt is deleted, and with it who the people of that day were. The records stay, and the tree too."""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sidecar.audit.salts import salt_path
from sidecar.durable import sync_folder
from sidecar.ledger.layout import slots

if TYPE_CHECKING:
    from pathlib import Path

MEANING = """\
In the records of that day, subject, token id, request, response, features and explanation are HMACs under its salt.
Without the salt nobody can tell any more whose they were, not even who knows the person and the token.
The records stay as they are: the log verifies, and decisions, attributes, scores and times can still be read.
What can no longer be done: find a person's records of that day, compare a body with its digest, replay rules that
read these members. Copies of the salt (backups, snapshots) have to be deleted too. There is no way back.
"""


class NotForgotten(Exception):
    """Nothing was deleted. The message says why."""


def salt_file(audit_dir: Path, period: str) -> Path:
    """Where the salt of a period (a UTC day, `YYYY-MM-DD`) lies. Raises NotForgotten."""
    try:
        path = salt_path(audit_dir, period)
    except ValueError as error:
        raise NotForgotten(str(error)) from error
    if not path.is_file():
        raise NotForgotten(f"{path} is not there: that day is forgotten already, or nothing was recorded on it")
    return path


def forget(audit_dir: Path, period: str, today: str, *, force: bool = False) -> Path:
    """Deletes a period's salt, durably, and says which file it was. Raises NotForgotten, OSError.

    A sidecar keeps the current day's salt in memory and goes on using it; so that day is refused while one runs,
    unless forced. None can start meanwhile.
    """
    path = salt_file(audit_dir, period)
    with ExitStack() as locks:
        if period >= today and not force:
            for layout in slots(audit_dir):
                _hold(layout.lock, locks, period)
        path.unlink()
        sync_folder(path.parent)
    return path


def _hold(lock: Path, locks: ExitStack, period: str) -> None:
    try:
        fd = os.open(lock, os.O_RDWR)
    except FileNotFoundError:
        return
    locks.callback(os.close, fd)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise NotForgotten(
            f"a sidecar writes to {lock.parent} and goes on using the salt of {period} until midnight (UTC): "
            "stop it, wait for tomorrow, or --force (what it records until then keeps a salt that nobody has)"
        ) from error
