"""Nothing of the environment may change a test: no SIDECAR_ variable, one event loop, Ctrl-C as ever.

And what runs in one process where there are several.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests import budgets

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.parallel import FilesTogether

for _name in [name for name in os.environ if name.startswith("SIDECAR_") and name != "SIDECAR_CACHE"]:
    del os.environ[_name]
budgets.register()
# A shell has those whom it starts in the background ignore it; they would pass that on to what tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def pytest_itemcollected(item: pytest.Item) -> None:
    """Completes the id of a test of schemathesis: with pytest 9.2 its operation stands in its name alone."""
    if item.parent is not None and not item.nodeid.endswith(item.name):
        item._id = item.parent.id.child(item.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests with one id, pytest-xdist would run one."""
    repeated = [nodeid for nodeid, count in Counter(item.nodeid for item in items).items() if count > 1]
    if repeated:
        raise pytest.UsageError(f"several tests with the id {repeated[0]}")


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is there
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    from tests.parallel import FilesTogether

    return FilesTogether(config, log)
