"""Policies kept for replay: every bundle that decided, under its revision, beside the logs (not in them).

A revision is the hash of the bundle's content, so whoever reads one back can tell whether it is what decided.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from itertools import islice, pairwise
from typing import TYPE_CHECKING

from sidecar.audit.heads import time_of
from sidecar.durable import replace
from sidecar.ledger.layout import slots
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import Damaged

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.clock import Clock

FOLDER = "policies"
"""Below the audit folder, shared by all worker slots."""
SUFFIX = ".tar.gz"
GRACE_S = 3_600.0
"""An exchange that was under way when its policy was replaced still names it; none takes this long."""

_REVISION = re.compile(r"[0-9a-f]{8,64}")
"""Records are read as they are found: what is no hash must not become a path."""


class KeptPolicies:
    """The folder of one audit trail. A file's time is when its policy was last known to decide."""

    def __init__(self, audit_dir: Path, clock: Clock) -> None:
        self._audit_dir = audit_dir
        self._directory = audit_dir / FOLDER
        self._clock = clock
        self._active: str | None = None

    def keep(self, revision: str, archive: bytes) -> None:
        """Makes a bundle durable before it decides anything, and deletes those that no record can name any more.

        Raises OSError. Blocks: use a thread.
        """
        path = self._path(revision)
        if self._active is not None:
            self._touch(self._path(self._active))
        if _content(path) != archive:  # a restart needs no room on the disk
            replace(path, archive)
        self._touch(path)
        self._active = revision
        oldest_unix_s = oldest_record_unix_s(self._audit_dir)
        if oldest_unix_s is not None:
            self.prune(oldest_unix_s)

    def prune(self, oldest_unix_s: float) -> list[str]:
        """Deletes what no record from `oldest_unix_s` on can name, and returns its revisions. Blocks.

        That is a policy after which another was known to decide longer than `GRACE_S` before; the active one stays.
        """
        kept = sorted((path.stat().st_mtime, path) for path in self._directory.glob(f"[!.]*{SUFFIX}"))
        gone: list[str] = []
        for (_, path), (next_unix_s, _) in pairwise(kept):
            revision = path.name.removesuffix(SUFFIX)
            if next_unix_s < oldest_unix_s - GRACE_S and revision != self._active:
                path.unlink(missing_ok=True)
                gone.append(revision)
        return gone

    def _path(self, revision: str) -> Path:
        if not _REVISION.fullmatch(revision):
            raise ValueError(f"{revision!r} is not the hash of a policy")
        return self._directory / f"{revision}{SUFFIX}"

    def _touch(self, path: Path) -> None:
        now_unix_s = self._clock.unix_s()
        with suppress(FileNotFoundError):  # deleted by hand
            os.utime(path, (now_unix_s, now_unix_s))


def oldest_record_unix_s(audit_dir: Path) -> float | None:
    """When the oldest record was made that retention has left; None without one, or where a log cannot be read."""
    times_ns: list[int] = []
    for slot in slots(audit_dir):
        try:
            times_ns += [time_of(entry.record) for entry in islice(entries(slot.ledger_dir), 1)]
        except Damaged:  # for the log's own opening, and `audit verify`, to tell; here it means: delete nothing
            return None
    return min(times_ns) / 1e9 if times_ns else None


def read_kept(audit_dir: Path, revision: str) -> bytes | None:
    """The bundle of a revision as it was kept; None where it is not, as one of a remote OPA. Raises OSError."""
    if not _REVISION.fullmatch(revision):
        return None
    try:
        return (audit_dir / FOLDER / f"{revision}{SUFFIX}").read_bytes()
    except FileNotFoundError:
        return None


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
