"""What guarding a pod comes to: the guarded pod, or why not."""

from __future__ import annotations

from dataclasses import dataclass

Json = dict[str, object]
"""An object as JSON has it."""
SHOWN_LIMIT = 60
"""Characters of somebody's text in a problem."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A guarded pod and every decision that was taken, one a line."""

    pod: Json
    explanation: tuple[str, ...]


class PodRefused(Exception):
    """All that stands against guarding a pod, at once; each problem names its remedy."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def shown(text: str) -> str:
    """Enough of somebody's text to know it by, on one line."""
    return ascii(text if len(text) <= SHOWN_LIMIT else text[:SHOWN_LIMIT] + "…")
