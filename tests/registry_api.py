"""The registry's API in this process, over a real database, with a caller for each role."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2

from sidecar.registry.access.callers import Access, Caller, Role
from sidecar.registry.api.app import create_app
from sidecar.registry.api.context import Context
from sidecar.registry.api.meters import Meters
from sidecar.registry.shelf.bundling import NAMES, Bundling
from sidecar.registry.shelf.waiting import Shelf
from tests.keys import signing_key

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sidecar.consent.pseudonym import Pseudonyms
    from sidecar.policy.examine import Examiner
    from tests.registries import Opened

CALLERS = {role.value: Caller(role.value, frozenset({role})) for role in Role} | {
    "person": Caller("person", frozenset({Role.ADMIN}), is_person=True),
    "nobody": Caller("nobody", frozenset()),
}
"""By their tokens, which are their names."""

PROBLEM = "application/problem+json"


class Names:
    """A `Verifier`: every caller's name is their token."""

    async def caller(self, token: str) -> Caller | None:
        return CALLERS.get(token)


@dataclass
class Api:
    """The application and its parts."""

    client: httpx2.AsyncClient
    parts: Context

    async def ask(
        self, method: str, path: str, body: object = None, role: str | None = "admin", **headers: str
    ) -> httpx2.Response:
        """One request by a role, None: by nobody. `body`: bytes as they are, or what becomes JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {} if role is None else {"Authorization": f"Bearer {role}"}
        if content is not None:
            named["Content-Type"] = "application/json"
        named |= {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, path, content=content, headers=named)

    async def good(self, method: str, path: str, body: object = None, role: str = "admin", **headers: str) -> Any:
        """The answer's JSON, which must be a success."""
        answer = await self.ask(method, path, body, role, **headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@asynccontextmanager
async def serving(
    opened: Opened,
    *,
    open_reads: bool = False,
    pseudonyms: Pseudonyms | None = None,
    examiner: Examiner | None = None,
    waiters_limit: int = 8,
) -> AsyncGenerator[Api]:
    """The API over a registry, its bundles made once."""
    shelf = Shelf(NAMES, waiters_limit=waiters_limit)
    bundling = Bundling(opened.registry, signing_key(key_id="registry"), shelf)
    await bundling.refresh()
    access = Access([Names()], open_reads=open_reads)
    parts = Context(opened.registry, shelf, bundling, access, Meters(shelf), pseudonyms, examiner)
    transport = httpx2.ASGITransport(app=create_app(parts), raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://registry") as client:
        yield Api(client, parts)


def told(answer: httpx2.Response) -> tuple[int, list[str]]:
    """A refusal's status and problems; its form is checked."""
    assert answer.headers["Content-Type"] == PROBLEM, answer.text
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "problems"}
    assert body["status"] == answer.status_code
    assert body["detail"] == "; ".join(body["problems"])[:500]
    return answer.status_code, body["problems"]


DATASET: dict[str, Any] = {"created_unix_s": 1_795_200_000, "consent_scopes": ["credit_scoring"]}
MODEL: dict[str, Any] = {
    "owner": "credit team",
    "max_age_days": 30,
    "required_scopes": ["credit_scoring"],
    "groups": ["a", "b"],
    "band": 0.1,
    "disparate_impact_max": 1.5,
    "means": {"max_drift": 0.02, "min_n": 500},
    "read": {"score": "output:score", "label": "output:label", "positive": {"label": "approve"}},
}
