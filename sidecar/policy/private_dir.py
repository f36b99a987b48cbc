"""A private directory, as for one child engine: its socket and its bundle, for nobody else's eyes.

It is held by a file lock, so that what a killed process left behind can be told from what is in use,
whatever process numbers mean in this container.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

PREFIX = "sidecar-opa-"
LOCK_NAME = "lock"
UNHELD_LOCK_NAME = "lock.new"
SOCKET_PATH_LIMIT_BYTES = 107
"""`sun_path` of unix(7), less its NUL."""


class PrivateDir:
    """Made with mode 0700 in the temporary directory, removed by `close`."""

    def __init__(self, prefix: str = PREFIX) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix))
        unheld = self.path / UNHELD_LOCK_NAME
        self._lock = os.open(unheld, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unheld.rename(self.path / LOCK_NAME)  # only now: a lock by this name that nobody holds is a dead process's

    def close(self) -> None:
        """Removes the directory with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def remove_stale(prefix: str = PREFIX) -> None:
    """Removes directories whose owner, a process of this user, is gone."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            if path.is_symlink() or path.stat().st_uid != os.geteuid():
                continue
            lock = os.open(path / LOCK_NAME, os.O_RDWR | os.O_NOFOLLOW)
        except OSError:  # being made or being removed right now
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(path, ignore_errors=True)
        finally:
            os.close(lock)
