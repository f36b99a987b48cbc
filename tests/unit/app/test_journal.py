from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.lowlevel
import pytest

from sidecar.admin.meters import Meters
from sidecar.app.journal import Journal
from sidecar.audit.records import Event
from tests.lab import lab

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_each_activation_after_the_first_is_an_event(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        meters = Meters("mlserver")
        journal = Journal(meters)
        journal.activated("r1")
        journal.join(it.trail)
        journal.activated("r2")
        await anyio.lowlevel.checkpoint()
        await it.trail.event(Event.START, {})  # a log keeps its order: what was written before is on record by now
        journal.activation_failed()
        journal.poll_failed()
        journal.engine_restarted()
        events = [(r["event"], r["details"]) for r in it.records()]
    assert events == [
        ("revision_changed", {"revision": "r2", "former_revision": "r1"}),
        ("start", {}),
    ]
    page = meters.render("")[0].decode()
    assert "sidecar_policy_activations_total 2.0" in page
    for name in ("policy_reload_failures", "policy_poll_failures", "engine_restarts"):
        assert f"sidecar_{name}_total 1.0" in page
