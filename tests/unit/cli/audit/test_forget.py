"""`sidecar audit forget`: asks, and says what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.audit.salts import Salts
from tests.support import FixedClock
from tests.unit.cli.audit.calls import audit

if TYPE_CHECKING:
    from pathlib import Path


def test_forget_says_what_it_means_and_asks(audit_dir: Path) -> None:
    Salts(audit_dir, FixedClock()).current()
    refused = audit("forget", "2026-11-21", audit_dir, typed="n\n")
    assert (refused.exit_code, "There is no way back." in refused.output) == (1, True)
    assert (audit_dir / "salts" / "2026-11-21.salt").exists()
    assert audit("forget", "2026-11-21", audit_dir, "--yes").exit_code == 0
    assert audit("forget", "2026-11-21", audit_dir, "--yes").exit_code == 2
    assert audit("verify", audit_dir).exit_code == 0
