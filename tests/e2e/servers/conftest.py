"""One sidecar for each protocol of each real server, for the whole suite."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.servers.dialects import DIALECTS, Dialect, cases
from tests.e2e.servers.guarded import Guarded, guarded, server_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def sidecars_of(server: str) -> Any:
    """A fixture that starts the sidecar of a dialect where it does not run yet; all end before their server does."""

    @pytest.fixture(scope="session", name=f"sidecars_of_{server}")
    def fixture(
        request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Generator[Callable[[Dialect], Guarded]]:
        request.getfixturevalue(f"real_{server}")
        running: dict[str, Guarded] = {}
        with ExitStack() as stack:

            def started(dialect: Dialect) -> Guarded:
                if dialect.name not in running:
                    folder = tmp_path_factory.mktemp(dialect.name)
                    running[dialect.name] = stack.enter_context(guarded(folder, dialect, server_of(dialect, request)))
                return running[dialect.name]

            yield started

    return fixture


sidecars_of_mlserver = sidecars_of("mlserver")
sidecars_of_torchserve = sidecars_of("torchserve")
sidecars_of_triton = sidecars_of("triton")
sidecars_of_kserve = sidecars_of("kserve")
sidecars_of_fakellm = sidecars_of("fakellm")


@pytest.fixture(params=cases(DIALECTS))
def server(request: pytest.FixtureRequest) -> Guarded:
    dialect: Dialect = request.param
    start: Callable[[Dialect], Guarded] = request.getfixturevalue(f"sidecars_of_{dialect.server}")
    return start(dialect)
