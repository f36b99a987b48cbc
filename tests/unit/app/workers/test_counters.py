"""One bound for several processes: here two views of one memory, and a real process."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sidecar.app.workers.counters import Counted, Counters, make_memory

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def memory() -> Generator[int]:
    fd = make_memory(2)
    yield fd
    os.close(fd)


def test_what_one_holds_does_not_fit_into_the_others_bound(memory: int) -> None:
    one, two = (Counters(memory, 2).budget(Counted.BODY_BYTES, worker, 100) for worker in (0, 1))
    one.hold(70)
    assert (two.held, two.fits(30), two.fits(31)) == (0, True, False)
    two.hold(30)
    assert (one.fits(0), one.fits(1)) == (True, False)
    one.release(70)
    assert (one.held, two.held, two.fits(70), two.fits(71)) == (0, 30, True, False)


def test_each_thing_that_is_counted_has_numbers_of_its_own(memory: int) -> None:
    counters = Counters(memory, 2)
    for number, counted in enumerate(Counted, 1):
        counters.budget(counted, 1, 10).hold(number)
    assert [counters.of(counted).tolist() for counted in Counted] == [[0, 1], [0, 2], [0, 3]]


def test_who_has_ended_holds_nothing(memory: int) -> None:
    counters = Counters(memory, 2)
    for counted in Counted:
        for worker in (0, 1):
            counters.budget(counted, worker, 10).hold(5)
    counters.forget(0)
    assert [counters.of(counted).tolist() for counted in Counted] == [[0, 5]] * len(Counted)


def test_what_another_process_holds_is_seen(memory: int) -> None:
    code = (
        "import sys; from sidecar.app.workers.counters import Counted, Counters\n"
        "Counters(int(sys.argv[1]), 2).budget(Counted.REQUESTS, 1, 10).hold(1 << 40)"
    )
    subprocess.run([sys.executable, "-c", code, str(memory)], pass_fds=[memory], check=True, timeout=30)
    assert Counters(memory, 2).of(Counted.REQUESTS).tolist() == [0, 1 << 40]
