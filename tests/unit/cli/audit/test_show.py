"""`sidecar audit show`: a decision's story or its records."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.unit.cli.audit.calls import audit
from tests.unit.evidence.ledgers import decision_id

if TYPE_CHECKING:
    from pathlib import Path


def test_show_tells_the_story_or_the_records(audit_dir: Path) -> None:
    assert f"decision {decision_id(3)}" in audit("show", decision_id(3), audit_dir).output
    lines = audit("show", decision_id(3), audit_dir, "--json").output.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["INTENT", "OUTCOME"]
    assert audit("show", decision_id(10).upper(), audit_dir).exit_code == 0
    assert audit("show", decision_id(99), audit_dir).exit_code == 1
    assert audit("show", "what", audit_dir).exit_code == 2
