"""A real Kubernetes cluster as a pytest fixture, one a test session.

Without root or the tools its tests are skipped, with the remedy; in CI (`CI` is set) that is an error instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.cluster import running_cluster
from tests.kubernetes.programs import missing

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.kubernetes.cluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[Cluster]:
    """Shared by all tests of a session: each works in namespaces of its own."""
    if lacking := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no cluster here: " + "; ".join(lacking))
    with running_cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running
