from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sidecar.app.seat import ALONE, Seat
from sidecar.app.workers.counters import Counted, Counters, make_memory
from tests.unit.app.given import settings

if TYPE_CHECKING:
    from pathlib import Path


def test_alone_it_has_the_first_slot_and_bounds_of_its_own(tmp_path: Path) -> None:
    given = settings(tmp_path)
    assert ALONE.layout(given).slot_dir == given.audit_dir / "0"
    one, other = (ALONE.budget(Counted.REQUESTS, 1) for _ in range(2))
    one.hold(1)
    assert (one.fits(1), other.fits(1)) == (False, True)


def test_with_others_it_has_its_part_of_one_bound(tmp_path: Path) -> None:
    memory = make_memory(2)
    seats = [Seat(slot, Counters(memory, 2)) for slot in (0, 1)]
    one, other = (seat.budget(Counted.REQUESTS, 1) for seat in seats)
    one.hold(1)
    assert (one.held, other.held, other.fits(1)) == (1, 0, False)
    os.close(memory)


def test_the_first_keeps_the_logs_that_no_worker_has_any_more(tmp_path: Path) -> None:
    given = settings(tmp_path, workers="2")
    assert ALONE.left_over(given) == []
    for name in ("0", "1", "2", "10", "010", "notes", "salts"):
        (given.audit_dir / name / "ledger").mkdir(parents=True)
    (given.audit_dir / "3").mkdir()  # no log in it
    assert [layout.slot_dir.name for layout in Seat(0).left_over(given)] == ["2", "10"]
    assert Seat(1).left_over(given) == []
