"""Kubernetes' quantities: `250m`, `64Mi`, `1e3`."""

from __future__ import annotations

import math
import re
from fractions import Fraction

SUFFIXES = {
    "": Fraction(1),
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    **{suffix: Fraction(1000**power) for power, suffix in enumerate("kMGTPE", start=1)},
    **{f"{suffix}i": Fraction(1024**power) for power, suffix in enumerate("KMGTPE", start=1)},
}
QUANTITY = re.compile(r"(\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)([A-Za-z]*)")


def quantity(text: str) -> Fraction:
    """Its exact value. Raises ValueError."""
    found = QUANTITY.fullmatch(text)
    if not found or found[2] not in SUFFIXES:
        raise ValueError(f"not a quantity: {text}")
    return Fraction(found[1]) * SUFFIXES[found[2]]


def in_units(text: str, divisor: str) -> int:
    """How many of `divisor` it is, rounded up."""
    return math.ceil(quantity(text) / quantity(divisor))
