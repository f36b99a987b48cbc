from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.admission.policies_alone import policed, skip_without_cluster

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.e2e.kubernetes.admission.policies_alone import Policed


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Generator[Policed]:
    """With the namespaces `every` and `some`, of whose pods all and the labelled ones must be guarded."""
    skip_without_cluster()
    with policed(tmp_path_factory.mktemp("policed")) as cluster:
        cluster.namespace("every", "all")
        cluster.namespace("some", "labelled")
        yield cluster
