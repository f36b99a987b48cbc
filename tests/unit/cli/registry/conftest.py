"""A real registry, and the verbs that ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sidecar.cli import main
from tests.servers.registry import RegistryServer
from tests.support import policy_data

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from click.testing import Result

    Call = Callable[..., Result]

DATA = policy_data(1_795_300_000.0, means={"max_drift": 0.02, "min_n": 20})


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def call(server: RegistryServer, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`sidecar registry …`, by `role`."""
    monkeypatch.setenv("SIDECAR_REGISTRY_URL", server.url)

    def run(*arguments: object, role: str = "admin") -> Result:
        variables = {"SIDECAR_REGISTRY_TOKEN": server.tokens[role]}
        words = ["registry", *map(str, arguments)]
        return CliRunner().invoke(main, words, env=variables, catch_exceptions=False)

    return run


@pytest.fixture
def model(server: RegistryServer, request: pytest.FixtureRequest) -> str:
    """A model of the test's own, with groups a and b."""
    name = request.node.name
    document = {"datasets": DATA["datasets"], "models": {name: DATA["models"]["credit"]}}
    assert server.ask("POST", "/v1/import", document).status == 200
    return name
