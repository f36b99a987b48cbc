"""A client of the registry's API, for the verbs of the command line and for programs of one's own. Blocking.

    with RegistryClient("https://registry.example", read_token(None)) as registry:
        registry.publish(archive)

What the server refuses comes back as the exceptions of `values`, with the server's words; `Unreachable` is what never
got an answer. Nothing of the environment is used but the token: no proxy, no `.netrc`, and no redirect is followed.
"""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import quote

import httpx2
import orjson

from sidecar.registry.store.bodies import PLACES
from sidecar.registry.values import (
    Conflict,
    Invalid,
    Json,
    Kind,
    Missing,
    NotAllowed,
    RegistryRefused,
    Stale,
    Unexpected,
)
from sidecar.settings.values import Address

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

TOKEN_VARIABLE = "SIDECAR_REGISTRY_TOKEN"  # noqa: S105 - the name of a variable
TIMEOUT_S = 60.0
"""For each step of a request. The server composes a published policy, and writes an import, before it answers."""
ANSWER_LIMIT_BYTES = 512 << 20
"""An export of a million revocations is some 80 MB."""
PROBLEMS_LIMIT = 1_000

_REFUSALS: Mapping[int, type[RegistryRefused]] = {
    401: NotAllowed,
    403: NotAllowed,
    404: Missing,
    409: Conflict,
    412: Stale,
    422: Invalid,
    428: Unexpected,
}


class Unreachable(Exception):
    """No answer of a registry. The message says from where, and why."""


def read_token(path: Path | None) -> str | None:
    """The bearer token in a file, or without one that of `SIDECAR_REGISTRY_TOKEN`; None: neither. Raises OSError,
    ValueError for what cannot be a token."""
    text = (path.read_text() if path is not None else os.environ.get(TOKEN_VARIABLE, "")).strip()
    if not text and path is not None:
        raise ValueError(f"{path} is empty: it should hold a token of the registry")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"what is in {path or TOKEN_VARIABLE} is no token: one word of visible characters")
    return text or None


class RegistryClient:
    """One registry, by its URL. `transport` is httpx2's, for a registry in the same process."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        ca_file: Path | None = None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`ca_file`: the authorities to trust instead of the system's. Raises ValueError for a URL that will not do."""
        self.url = _checked(url)
        self._client = httpx2.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            verify=ssl.create_default_context(cafile=ca_file),
            timeout=timeout_s,
            transport=transport,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives connections back."""
        self._client.close()

    def publish(self, archive: bytes) -> Json:
        """A policy bundle, signed for `policy`, as every engine gets it from now on; what the registry says of it."""
        return self._ask("POST", "/v1/policies", archive, "application/gzip")

    def export(self, at_unix_s: float | None = None) -> Json:
        """The data document (contract 5), now or as of then."""
        return self._ask("GET", "/v1/data" if at_unix_s is None else f"/v1/data?at={at_unix_s!r}")

    def model(self, name: str) -> Json | None:
        """A model's body; None: there is none of this name."""
        try:
            record = self._ask("GET", f"/v1/models/{_segment(name)}")
        except Missing:
            return None
        return cast("Json", record["body"])

    def load(self, bodies: Mapping[Kind, Mapping[str, Json]]) -> dict[str, int]:
        """Records of several kinds, all or none of them, whatever stood there. How many of each are new or changed."""
        return cast("dict[str, int]", self._ask("POST", "/v1/import", orjson.dumps(_placed(bodies)))["changed"])

    def propose(self, model: str, body: Json) -> Json:
        """Group means with their evidence: see `drift`. The proposal as it stands, which may be active at once."""
        return self._ask("POST", f"{_means(model)}/proposals", orjson.dumps(body))

    def proposals(self, model: str) -> list[Json]:
        """All of a model, the newest first."""
        return cast("list[Json]", self._ask("GET", f"{_means(model)}/proposals")["items"])

    def activate(self, model: str, number: int) -> Json:
        """A proposal's means hold from now on; the proposal."""
        return self._ask("POST", f"{_means(model)}/proposals/{number}/activate")

    def reject(self, model: str, number: int, why: str) -> Json:
        """A proposal is off the table; the proposal."""
        return self._ask("POST", f"{_means(model)}/proposals/{number}/reject", orjson.dumps({"why": why}))

    def _ask(self, method: str, path: str, body: bytes = b"", media_type: str = "application/json") -> Json:
        headers = {"Content-Type": media_type} if body else {}
        try:
            with self._client.stream(method, path, content=body or None, headers=headers) as response:
                content = self._read(response)
        except httpx2.HTTPError as error:
            raise Unreachable(f"{self.url} does not answer: {error or type(error).__name__}") from error
        if not response.is_success:
            raise _refused(response.status_code, content)
        return self._object(content)

    def _read(self, response: httpx2.Response) -> bytes:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > ANSWER_LIMIT_BYTES:
                raise Unreachable(f"{self.url} answers with more than {ANSWER_LIMIT_BYTES:,} bytes")
        return bytes(content)

    def _object(self, content: bytes) -> Json:
        try:
            answer: Any = orjson.loads(content)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise Unreachable(f"{self.url} answers, and is no registry: what came is no JSON object")
        return cast("Json", answer)


def _checked(url: str) -> str:
    """Without its last slash. A token must not cross a network in the clear."""
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"{url!r} is no URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.host or parts.userinfo or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no URL of a registry: write https://HOST[:PORT]")
    if parts.scheme == "http" and not Address(parts.host, 0).is_loopback:
        raise ValueError(f"{url!r} would send the token in the clear: write https://, or http:// on this machine")
    return url.rstrip("/")


def _placed(bodies: Mapping[Kind, Mapping[str, Json]]) -> dict[str, Any]:
    """In the form of the data document."""
    document: dict[str, Any] = {}
    for kind, records in bodies.items():
        name, part = PLACES[kind]
        if part:
            document.setdefault(name, {})[part] = records
        else:
            document[name] = records
    return document


def _segment(name: str) -> str:
    return quote(name, safe="")


def _means(model: str) -> str:
    return f"/v1/group-means/{_segment(model)}"


def _refused(status: int, content: bytes) -> RegistryRefused:
    """The exception that says what the server said."""
    return _REFUSALS.get(status, RegistryRefused)(*(_problems(content) or [f"the registry answers with {status}"]))


def _problems(content: bytes) -> list[str]:
    """Of application/problem+json: all `problems` that are listed, else `detail`, else `title`."""
    try:
        problem: Any = orjson.loads(content)
    except ValueError:
        return []
    if not isinstance(problem, dict):
        return []
    members = cast("Json", problem)
    listed = members.get("problems")
    found = cast("list[object]", listed) if isinstance(listed, list) else []
    told = found or [members[name] for name in ("detail", "title") if members.get(name)][:1]
    return [str(each) for each in told[:PROBLEMS_LIMIT]]
