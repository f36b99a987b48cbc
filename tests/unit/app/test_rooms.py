from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sidecar.app.problems import StartProblems
from sidecar.app.rooms import consent_room, left_over_room, log_room
from sidecar.app.seat import ALONE
from sidecar.audit.opening import open_log
from sidecar.consent.verify import ConsentOff
from sidecar.ledger.layout import Layout
from sidecar.ledger.reading import entries
from sidecar.model.clock import SystemClock
from tests.support import audit_terms
from tests.unit.app.given import problems_of, settings
from tests.unit.audit.logs import decision, intent

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_a_key_set_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    given = settings(tmp_path)
    (tmp_path / "jwks.json").write_text("no key set")
    found = await problems_of(consent_room(given, SystemClock()))
    assert len(found) == 1
    assert found[0].startswith("--consent-keys: ")


async def test_consent_that_is_off_verifies_nothing_whatever_else_is_given(tmp_path: Path) -> None:
    async with consent_room(settings(tmp_path, consent="off"), SystemClock()) as consent:
        assert isinstance(consent, ConsentOff)


async def test_a_log_that_nobody_writes_to_any_more_is_concluded_and_kept(tmp_path: Path) -> None:
    given = settings(tmp_path)
    layout = Layout(given.audit_dir / "3")
    log = open_log(layout.slot_dir, audit_terms(given.audit_dir), SystemClock())
    log.write([intent(1)])
    log.start()
    await log.aclose()
    async with left_over_room(given, SystemClock(), layout):
        with pytest.raises(StartProblems):
            async with log_room(given, SystemClock(), layout):
                pass
    [_, outcome] = [json.loads(entry.record) for entry in entries(layout.ledger_dir)]
    assert (outcome["kind"], outcome["decision_id"], outcome["result"]) == ("OUTCOME", decision(1), "unknown")


async def test_an_audit_folder_belongs_to_one_process(tmp_path: Path) -> None:
    given = settings(tmp_path)
    async with log_room(given, SystemClock(), ALONE.layout(given)):
        with pytest.raises(StartProblems) as caught:
            async with log_room(given, SystemClock(), ALONE.layout(given)):
                pass
    assert "another process writes" in caught.value.problems[0]
