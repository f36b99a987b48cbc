"""Nothing of the environment may change a test: no SIDECAR_ variable, one event loop, Ctrl-C as ever.

And what runs in one process where there are several.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from xdist.remote import Producer

    from tests.parallel import FilesTogether

for _name in [name for name in os.environ if name.startswith("SIDECAR_") and name != "SIDECAR_CACHE"]:
    del os.environ[_name]
settings.register_profile("untimed", deadline=None)  # a slow machine is no finding
settings.load_profile("untimed")
# A shell has those whom it starts in the background ignore it; they would pass that on to what tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.hookimpl(optionalhook=True)  # where pytest-xdist is there
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether:
    from tests.parallel import FilesTogether

    return FilesTogether(config, log)
