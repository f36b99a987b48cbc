"""Kubernetes' quantities, such as `250m` and `64Mi`, in the forms that pods have them in.

Source: Kubernetes API reference, Quantity. Exponents, and units above T and below m, are left out.
"""

from __future__ import annotations

import re
from fractions import Fraction

_FACTORS = {
    "": Fraction(1),
    "m": Fraction(1, 1000),
    **{unit: Fraction(1000**power) for power, unit in enumerate("kMGT", 1)},
    **{f"{unit}i": Fraction(1024**power) for power, unit in enumerate("KMGT", 1)},
}
QUANTITY = re.compile(rf"(\d{{1,15}}(?:\.\d{{1,9}})?)({'|'.join(filter(None, _FACTORS))})?")
SIZE = re.compile(r"[1-9]\d{0,9}(Ki|Mi|Gi|Ti)")
"""Of a volume: whole, in units of memory."""


def amount(quantity: str) -> Fraction:
    """The exact value of a `QUANTITY`; of a size in bytes. Raises ValueError."""
    match = QUANTITY.fullmatch(quantity)
    if match is None:
        raise ValueError(f"{quantity!r} is no quantity such as 250m or 64Mi")
    return Fraction(match[1]) * _FACTORS[match[2] or ""]
