from __future__ import annotations

from fractions import Fraction

import pytest

from sidecar.injector.quantities import QUANTITY, SIZE, amount


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("2", 2),
        ("0.5", Fraction(1, 2)),
        ("250m", Fraction(1, 4)),
        ("1k", 1_000),
        ("1T", 10**12),
        ("1Ki", 1 << 10),
        ("3Mi", 3 << 20),
        ("4Gi", 4 << 30),
        ("2Ti", 2 << 40),
    ],
)
def test_an_amount_is_exact(quantity: str, value: Fraction) -> None:
    assert amount(quantity) == value


@pytest.mark.parametrize("text", ["", "Gi", "-1", "1e3", "1Kb", "1 Gi", "1.", ".5", "1Gi\n", "9" * 16])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity such as 250m or 64Mi"):
        amount(text)


@pytest.mark.parametrize(("text", "is_size"), [("4Gi", True), ("4G", False), ("0Gi", False), ("1.5Gi", False)])
def test_a_size_is_a_quantity_that_is_whole_and_of_memory(text: str, is_size: bool) -> None:
    assert (SIZE.fullmatch(text) is not None) is is_size
    assert QUANTITY.fullmatch(text)
