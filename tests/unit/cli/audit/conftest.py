"""An audit folder to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.evidence.ledgers import written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    written(tmp_path / "audit", count=20)
    return tmp_path / "audit"
