"""The registry's API against its own OpenAPI document, by a server process: whatever is sent, no server error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks, not_a_server_error

from sidecar.consent.pseudonym import load_pseudonyms
from sidecar.registry.api.app import fastapi_app
from sidecar.registry.shelf.signing_key import load_or_make
from tests.budgets import examples
from tests.keys import public_pem
from tests.published import policy
from tests.registry_api import DATASET, MODEL
from tests.servers.registry import RegistryServer

if TYPE_CHECKING:
    from collections.abc import Generator

    from schemathesis import Case

load_all_checks()
from schemathesis.specs.openapi.checks import (  # noqa: E402 - they are known once they are loaded
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

CHECKS = [
    *(not_a_server_error, status_code_conformance, content_type_conformance),
    *(response_schema_conformance, ignored_auth, unsupported_method),
]
EXAMPLES = 25
"""For each operation."""


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryServer]:
    folder = tmp_path_factory.mktemp("registry")
    (folder / "policy.pub.pem").write_bytes(public_pem())
    load_or_make(folder / "key.pem")
    load_pseudonyms(folder / "subject-key")  # as a sidecar makes it
    flags = ("--policy-key", f"{folder}/policy.pub.pem", "--subject-key", f"{folder}/subject-key")
    with RegistryServer(folder, *flags, "--signing-key", f"{folder}/key.pem") as server:
        server.ask("PUT", "/v1/datasets/loans", DATASET)
        server.ask("PUT", "/v1/models/credit", MODEL)
        server.ask("POST", "/v1/policies", policy(1), Content_Type="application/gzip")
        yield server


@schemathesis.serializer("application/gzip")
def archive(_: object, value: object) -> bytes:
    """What is sent as an archive is none, or nearly: bytes as they come."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


schema = schemathesis.openapi.from_dict(fastapi_app().openapi())


def test_the_document_that_is_served_is_the_one_that_is_tested(registry: RegistryServer) -> None:
    assert registry.ask("GET", "/openapi.json", role=None).json == fastapi_app().openapi()


@schema.parametrize()
@settings(max_examples=examples(EXAMPLES), suppress_health_check=list(HealthCheck))
def test_whatever_is_sent_is_answered_as_the_document_says(registry: RegistryServer, case: Case) -> None:
    headers = {"Authorization": f"Bearer {registry.tokens['person']}"}
    case.call_and_validate(base_url=registry.url, headers=headers, checks=CHECKS)


def test_after_all_of_it_the_registry_is_well(registry: RegistryServer) -> None:
    ready = registry.ask("GET", "/health/ready", role=None)
    assert (ready.status, ready.json) == (200, {"status": "ready", "problems": []})
    assert "Traceback" not in registry.log_file.read_text()
