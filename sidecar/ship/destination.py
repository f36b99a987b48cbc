"""The port of a destination: what the loop needs of whatever records are shipped to."""

from __future__ import annotations

from typing import Protocol

OTLP = "otlp"
ARCHIVE = "archive"
"""The destinations' names: of their cursors' files, of the option that gives their URL, in the metrics."""
LAST_ROUNDS_S = {OTLP: 2.0, ARCHIVE: 8.0}
"""For what is still due when the log is closed. The archive has longer: where the disk ends with the pod, the next
start, which would ship the rest, never comes."""


class Unavailable(Exception):
    """The destination did not acknowledge; the same is to be shipped again, after `retry_after_s` at least."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Destination(Protocol):
    """One place that records are shipped to, behind a cursor of its own."""

    name: str

    def round(self, *, is_last: bool) -> bool:
        """Ships some of what is due; whether more is. `is_last`: the log is closed and the process about to end.

        Raises Unavailable, Damaged, OSError: what was not acknowledged is shipped by a later round.
        """
        ...
