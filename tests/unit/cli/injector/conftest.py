"""A configuration to guard by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.injector.serving.parts import CONFIG

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "injector.yaml").write_text(CONFIG)
    return tmp_path / "injector.yaml"
