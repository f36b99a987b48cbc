"""`AUDIT_DIR/bundles.json`: what is known of an engine's bundles beyond a restart."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from sidecar.durable import make_private, replace
from sidecar.policy.bundle_memory import decode, encode, joined

if TYPE_CHECKING:
    from pathlib import Path

NAME = "bundles.json"
"""Below the audit folder, which outlives the process already: who puts it back puts the log back too."""


class BundleFile:
    """`policy.bundle_memory.Memory` in a file, for all workers: none makes another forget a later bundle."""

    def __init__(self, audit_dir: Path) -> None:
        self._path = audit_dir / NAME

    def read(self) -> bytes | None:
        """See `Memory`."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, content: bytes) -> None:
        """See `Memory`. Another worker may have seen more; what cannot be read has been told of at the start."""
        make_private(self._path.parent)
        with self._path.with_name(f".{NAME}.lock").open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            there = self.read()
            if there is not None:
                with contextlib.suppress(ValueError):
                    content = encode(joined(decode(there), decode(content)))
            replace(self._path, content)
