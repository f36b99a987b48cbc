"""How many examples hypothesis tries of each property.

Two profiles: `full`, which is what pytest takes by itself and `scripts/test --all` and CI with it, and `quick`, a
quarter of it, for the suite that everybody runs. A test that wants another number than the profile's says
`@settings(max_examples=examples(N))`, N being that of the full profile.
"""

from __future__ import annotations

from hypothesis import settings

FULL, QUICK = 100, 25
LEAST = 5
"""Of one or two, hypothesis makes the simplest values only."""


def register() -> None:
    """Both profiles; in use is the full one, until `--hypothesis-profile` says otherwise."""
    settings.register_profile("full", deadline=None, max_examples=FULL)  # a slow machine is no finding
    settings.register_profile("quick", settings.get_profile("full"), max_examples=QUICK)
    settings.load_profile("full")


def examples(full: int) -> int:
    """The share of `full` that the profile in use has."""
    return max(min(full, LEAST), full * settings().max_examples // FULL)
