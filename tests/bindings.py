"""Each binding of regorus by itself, as if the other were not installed.

Our own that is not built skips its tests with the remedy; in CI (`CI` is set) it fails them.
"""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.binding import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

NATIVE, FORK = (kind.module for kind in KINDS)
BINDINGS = (NATIVE, FORK)
_MODULES = {kind.module: importlib.import_module(kind.module) for kind in KINDS if kind.is_installed}


def require(name: str) -> None:
    """Skips the test where the binding is not installed; fails it in CI."""
    if name in _MODULES:
        return
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"there is no {name} here: run scripts/install-native")


@contextmanager
def only(name: str) -> Iterator[None]:
    """Engines made in this context are of that binding, and stay so."""
    require(name)
    with pytest.MonkeyPatch.context() as patch:
        for other in BINDINGS:
            patch.setitem(sys.modules, other, _MODULES.get(name) if other == name else None)
        yield


@pytest.fixture(params=BINDINGS)
def binding(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs once with each."""
    with only(request.param):
        yield request.param
