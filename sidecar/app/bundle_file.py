"""`AUDIT_DIR/bundles.json`: what is known of a remote engine's bundles beyond a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.durable import replace

if TYPE_CHECKING:
    from pathlib import Path

NAME = "bundles.json"
"""Below the audit folder, which outlives the process already: who puts it back puts the log back too."""


class BundleFile:
    """`policy.bundle_memory.Memory` in a file."""

    def __init__(self, audit_dir: Path) -> None:
        self._path = audit_dir / NAME

    def read(self) -> bytes | None:
        """See `Memory`."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None

    def replace(self, content: bytes) -> None:
        """See `Memory`."""
        replace(self._path, content)
