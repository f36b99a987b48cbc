from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.release.release import Release
from tests.kubernetes.fixtures import cluster
from tests.steps import step

if TYPE_CHECKING:
    from tests.kubernetes.cluster import Cluster

__all__ = ["cluster", "release"]


@pytest.fixture(scope="session")
def release(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Installed, with a policy and facts; its namespace guards labelled pods."""
    made = Release(cluster, tmp_path_factory.mktemp("release"))
    with step("the chart is installed: two injectors, a registry, certificates, admission policies"):
        made.install()
    with step("facts and the shipped rules are in the registry"):
        made.publish_first()
    return made
