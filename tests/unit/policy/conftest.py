"""What tests of a deployment start from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bundles import Deployment
from tests.servers.bundles import bundle_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def it(tmp_path: Path) -> Iterator[Deployment]:
    """A registry that has published its four bundles, and no OPA yet."""
    with bundle_server() as registry:
        deployment = Deployment(registry, tmp_path)
        deployment.publish_all()
        yield deployment
