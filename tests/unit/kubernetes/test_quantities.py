"""The node of the test cluster: quantities."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.kubernetes.node.quantities import in_units, quantity


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", Fraction(1, 4)),
        ("64Mi", 64 * 1024**2),
        ("1.5Gi", 3 * 1024**3 // 2),
        ("2k", 2000),
        ("1e3", 1000),
        ("1E", 10**18),
        ("0", 0),
    ],
)
def test_quantities(text: str, value: Fraction | int) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "Mi", "1 Mi", "1MiB", "-1"])
def test_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)


def test_units_are_rounded_up() -> None:
    assert [in_units("1500m", "1"), in_units("1Mi", "1k"), in_units("1", "1m")] == [2, 1049, 1000]
