"""Which logs lie in a folder that an auditor names: an audit folder, a slot, a ledger, or one log of an archive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.layout import CHECKPOINT, CHECKPOINTS, IDENTITY, LEDGER, TILES, slots
from sidecar.ledger.segments import FOLDER

if TYPE_CHECKING:
    from pathlib import Path


class NoLog(Exception):
    """The folder holds no log. The message says what was looked for."""


@dataclass(frozen=True, slots=True)
class LogFolder:
    """The files of one log. `audit_dir` is the audit folder that it lies in; None of an archive's, and of a copy."""

    path: Path
    audit_dir: Path | None

    @property
    def default_keys(self) -> Path:
        """Where the sidecar that writes it publishes its keys; of a log alone, the file that is named like it."""
        home = (self.audit_dir or self.path).resolve()
        return home.with_name(f"{home.name}.pub")

    @property
    def checkpoint(self) -> Path:
        """The newest one; of an archive see `checkpoints`."""
        return self.path / CHECKPOINT

    @property
    def identity(self) -> Path:
        """Which log this is."""
        return self.path / IDENTITY

    @property
    def checkpoints(self) -> Path:
        """All that were archived, in an archive."""
        return self.path / CHECKPOINTS

    @property
    def is_archive(self) -> bool:
        """Whether it was written by the shipper: closed segments, and every checkpoint that was sent."""
        return self.checkpoints.is_dir()


def find_logs(folder: Path) -> list[LogFolder]:
    """The logs in a folder, slots in order. Raises NoLog."""
    if found := slots(folder):
        return [LogFolder(layout.ledger_dir, folder) for layout in found]
    if (folder / LEDGER).is_dir():
        return [LogFolder(folder / LEDGER, folder.resolve().parent)]
    if any((folder / name).exists() for name in (IDENTITY, CHECKPOINT, FOLDER, TILES, CHECKPOINTS)):
        is_slot = folder.resolve().name == LEDGER
        return [LogFolder(folder, folder.resolve().parents[1] if is_slot else None)]
    raise NoLog(
        f"{folder} holds no log: give an audit folder, a slot's folder in it, its `{LEDGER}`, or one log of an archive"
    )
