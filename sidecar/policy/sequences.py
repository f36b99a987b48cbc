"""Whether a bundle was rolled back: the highest sequence seen of each.

A signature says who made a bundle, not which of two is newer: an old one, put back, verifies as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sidecar.model.facts import BundleFacts


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A bundle with a lower sequence than was seen of it before; `sequence` None: with none."""

    bundle: str
    sequence: int | None
    highest: int

    def __str__(self) -> str:
        found = "no sequence" if self.sequence is None else f"sequence {self.sequence}"
        return f"bundle {self.bundle}: rolled back to {found} after {self.highest}; publish it under a new sequence"


class Sequences:
    """The highest sequence seen of each bundle. They are kept also of bundles that are there no more."""

    def __init__(self, highest: Mapping[str, int] | None = None) -> None:
        self._highest = dict(highest or {})

    @property
    def highest(self) -> Mapping[str, int]:
        """By the bundle's name."""
        return self._highest

    def rolled_back(self, active: Iterable[str], bundles: Mapping[str, BundleFacts]) -> tuple[RolledBack, ...]:
        """Those of the active bundles that are older than they were. One of which nothing is told has no sequence."""
        return tuple(
            RolledBack(name, sequence, highest)
            for name in sorted(active)
            if (highest := self._highest.get(name)) is not None
            and ((sequence := _sequence(bundles, name)) is None or sequence < highest)
        )

    def raised_by(self, bundles: Mapping[str, BundleFacts]) -> Sequences:
        """With the sequences of these bundles, none of which was rolled back."""
        told = {name: bundle.sequence for name, bundle in bundles.items() if bundle.sequence is not None}
        return Sequences({**self._highest, **told})


def _sequence(bundles: Mapping[str, BundleFacts], name: str) -> int | None:
    bundle = bundles.get(name)
    return None if bundle is None else bundle.sequence
