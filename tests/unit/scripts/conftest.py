from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.scripts.installing import Checkout

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout.made(tmp_path)
