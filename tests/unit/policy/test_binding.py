from __future__ import annotations

import gc
import sys
import threading
from typing import Any

import pytest

from sidecar.policy.binding import REMEDY, Regorus
from sidecar.policy.problems import PolicyProblems


def test_without_the_binding_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "regorus", None)
    with pytest.raises(PolicyProblems) as raised:
        Regorus()
    assert REMEDY in raised.value.problems[0]


def collected_elsewhere(make: Any) -> None:
    """What `make` gives is held by nothing but itself, and another thread collects it."""
    gc.collect()
    gc.disable()
    try:
        cycle: list[object] = [make()]
        cycle.append(cycle)
        del cycle
        thread = threading.Thread(target=gc.collect)
        thread.start()
        thread.join()
    finally:
        gc.enable()


@pytest.fixture
def complaints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: found.append(str(unraisable.exc_value)))
    return found


def test_the_bindings_own_engine_complains_when_it_is_collected_elsewhere(complaints: list[str]) -> None:
    collected_elsewhere(lambda: Regorus().engine)
    assert ["dropped on another thread" in complaint for complaint in complaints] == [True]


def test_an_engine_collected_elsewhere_ends_at_home_when_the_next_is_made(complaints: list[str]) -> None:
    first = Regorus()
    collected_elsewhere(first.clone)
    assert len(first._strays) == 1
    assert len(Regorus()._strays) == 0
    assert complaints == []


def test_threads_do_not_share_strays() -> None:
    mine = Regorus()
    theirs: list[bool] = []
    thread = threading.Thread(target=lambda: theirs.append(Regorus()._strays is mine._strays))
    thread.start()
    thread.join()
    assert theirs == [False]
