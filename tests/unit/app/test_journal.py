from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.lowlevel
import pytest

from sidecar.admin.meters import Meters
from sidecar.app.journal import Journal
from sidecar.audit.records import Event
from sidecar.policy.sequences import RolledBack
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
        journal.cross_checked("same")
        events = [(r["event"], r["details"]) for r in it.records()]
    assert events == [
        ("revision_changed", {"revision": "r2", "former_revision": "r1"}),
        ("start", {}),
    ]
    page = meters.render("")[0].decode()
    assert "sidecar_policy_activations_total 2.0" in page
    for name in ("policy_reload_failures", "policy_poll_failures", "engine_restarts"):
        assert f"sidecar_{name}_total 1.0" in page
    assert 'sidecar_cross_check_total{result="same"} 1.0' in page


OLDER = {"bundle": "data", "sequence": 19, "highest": 20}
UNNUMBERED = {"bundle": "policy", "sequence": None, "highest": 7}


async def test_a_rollback_is_an_event(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        journal = Journal(Meters("mlserver"))
        journal.activated("r2")
        journal.join(it.trail)
        journal.rolled_back([RolledBack("data", 19, 20), RolledBack("policy", None, 7)])
        await anyio.lowlevel.checkpoint()
        await it.trail.event(Event.START, {})
        events = [(r["event"], r["details"]) for r in it.records()]
    assert events == [("bundle_rolled_back", {"bundles": [OLDER, UNNUMBERED]}), ("start", {})]


@pytest.mark.parametrize("mended", [False, True])
async def test_one_that_was_met_before_the_trail_is_an_event_unless_it_is_mended(
    tmp_path: Path, *, mended: bool
) -> None:
    async with lab(tmp_path) as it:
        journal = Journal(Meters("mlserver"))
        journal.rolled_back([RolledBack("data", 19, 20)])
        if mended:
            journal.activated("r3")
        journal.join(it.trail)
        await anyio.lowlevel.checkpoint()
        await it.trail.event(Event.START, {})
        events = [(r["event"], r["details"]) for r in it.records()]
    assert events[:-1] == ([] if mended else [("bundle_rolled_back", {"bundles": [OLDER]})])
