from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.evidence.ledgers import written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    """Of one closed log of 401 records, in several segments and two tiles."""
    written(tmp_path / "audit", count=200, segment_bytes=16_384)
    return tmp_path / "audit"


@pytest.fixture
def ledger(audit_dir: Path) -> Path:
    return audit_dir / "0" / "ledger"
