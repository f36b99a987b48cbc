"""A real model server behind a tap behind a sidecar."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.e2e.servers.wire import call
from tests.process import example_data, fetch, sidecar
from tests.servers.tap import Tap, tapped

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    import pytest

    from tests.e2e.servers.dialects import Dialect
    from tests.process import Answer, Sidecar
    from tests.servers.process import ModelServer

# Windows are not this suite's subject, and its predictions are no sample of anything.
RULES = {"explanation": "off", "group_mean_band": "off", "disparate_impact": "off"}
MODELS = ("story", "echo")
"""Triton's other models, under the same facts."""

# A chat has no score for the shipped rules: this one refuses what is said.
SAYINGS = {
    "guards/sayings/response/response.rego": """package guards.sayings.response

default pass := false

pass if not "0.9 approve" in input.prediction.labels

violation contains {
	"code": "said_too_much",
	"message": "that is not to be said",
	"remedy": "Ask otherwise.",
} if {
	not pass
}
"""
}


@dataclass
class Guarded:
    """Calls go through the sidecar, or straight to the server (`direct`)."""

    dialect: Dialect
    sidecar: Sidecar
    server: ModelServer
    tap: Tap

    def headers(self, **changes: str | None) -> dict[str, str]:
        """Those of a good call but for `changes`: None removes."""
        good = {
            "Content_Type": "application/json",
            "Accept_Encoding": "identity",
            "X_Data_Version": "fresh",
            "X_Consent_Scope": "credit_scoring",
            "X_Protected_Group": "a",
            "X_Consent_Token": self.sidecar.issuer.token(),
        }
        whole: Mapping[str, str | None] = {**good, **changes}
        return {name.replace("_", "-"): value for name, value in whole.items() if value is not None}

    def call(
        self, body: object = None, path: str | None = None, method: str | None = None, **headers: str | None
    ) -> Answer:
        """Through the sidecar; by default a request that the model scores 0.5."""
        return call(
            self.sidecar.url, path or self.dialect.path, self._bytes(body), self.headers(**headers), method or "POST"
        )

    def direct(self, body: object = None, path: str | None = None, **headers: str | None) -> Answer:
        """The same, less the token, without a sidecar."""
        sent = self.headers(X_Consent_Token=None, **headers)
        return call(self.server.url, path or self.dialect.path, self._bytes(body), sent)

    @contextmanager
    def not_reached(self) -> Generator[None]:
        """Checks that nothing goes to the server meanwhile."""
        before = len(self.tap.sent)
        yield
        assert bytes(self.tap.sent[before:]) == b""

    def record(self, answer: Answer) -> list[dict[str, Any]]:
        """What the exchange left on record."""
        return fetch(f"{self.sidecar.admin_url}/decisions/{answer.headers['x-decision-id']}").json

    def kinds(self, answer: Answer) -> list[str]:
        """The record in short: `INTENT`, `OUTCOME released`."""
        return [" ".join(filter(None, (each["kind"], each.get("result")))) for each in self.record(answer)]

    def _bytes(self, body: object) -> bytes:
        if isinstance(body, bytes):
            return body
        return json.dumps(self.dialect.body([0.5]) if body is None else body).encode()


@contextmanager
def guarded(folder: Path, dialect: Dialect, server: ModelServer, *flags: str, **facts: Any) -> Generator[Guarded]:
    """`flags` are the sidecar's; `facts` are the model's, beyond what the dialect says of it."""
    rules = RULES | ({"fairness_band": "off", "sayings": "enforce"} if "score" not in dialect.read else {})
    facts = {"read": dialect.read, "rules": rules, "instances_per_token": 4} | facts
    with tapped(server.url) as tap:
        data = example_data(**facts)
        for members in (data["models"], data["group_mean"]):
            members.update(dict.fromkeys(MODELS, members["credit"]))
        flags = (*dialect.flags, *flags)
        kind, engine = server.kind, dialect.engine
        with sidecar(folder, tap.url, *flags, server=kind, engine=engine, data=data, rego=SAYINGS) as running:
            yield Guarded(dialect, running, server, tap)


def server_of(dialect: Dialect, request: pytest.FixtureRequest) -> ModelServer:
    """The real server of a dialect, started where it is not yet."""
    found: ModelServer = request.getfixturevalue(f"real_{dialect.server}")
    return replace(found, url=found.sagemaker_url) if dialect.sagemaker else found


def scores_for(dialect: Dialect, *scores: float) -> Sequence[float]:
    """As many of them as one request of this dialect can ask for."""
    return scores if dialect.batches else scores[:1]
