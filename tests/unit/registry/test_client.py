"""The client against a real registry, and against what is none."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.registry import client
from sidecar.registry.client import RegistryClient, Unreachable, read_token
from sidecar.registry.values import Conflict, Invalid, Kind, Missing, NotAllowed, RegistryRefused
from tests.certificates import self_signed
from tests.servers.process import free_ports
from tests.servers.registry import RegistryServer
from tests.support import policy_data
from tests.upstream import answering

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DATA = policy_data(1_795_300_000.0, means={"max_drift": 0.02, "min_n": 500})
MODEL = DATA["models"]["credit"]
TOKEN = "1" * 64


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryServer]:
    with RegistryServer(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def admin(server: RegistryServer) -> Generator[RegistryClient]:
    with RegistryClient(server.url, server.tokens["admin"]) as opened:
        yield opened


def loaded(admin: RegistryClient, name: str) -> str:
    """A model of this name, with its data sets."""
    admin.load({Kind.DATASET: DATA["datasets"], Kind.MODEL: {name: MODEL}})
    return name


def proposal(a: float, b: float, n: int = 500) -> dict[str, Any]:
    return {"means": {"a": a, "b": b}, "evidence": {"groups": {"a": {"n": n}, "b": {"n": n}}}}


def test_what_is_loaded_is_exported_now_and_as_of_then(admin: RegistryClient) -> None:
    before_unix_s = time.time()
    bodies = {
        Kind.DATASET: {"loans": {"created_unix_s": 1.0, "consent_scopes": ["x"], "parents": [], "source": "s3://b"}},
        Kind.MODEL: {"a/b c": MODEL | {"owner": "ana"}},
        Kind.REVOKED_TOKEN: {TOKEN: {}},
    }
    assert admin.load(bodies) == {"dataset": 1, "model": 1, "revoked_token": 1}
    assert admin.load(bodies)["dataset"] == 0
    found: Any = admin.export()
    assert found["datasets"]["loans"] == {"created_unix_s": 1.0, "consent_scopes": ["x"], "parents": []}
    assert found["models"]["a/b c"] == {name: value for name, value in MODEL.items() if name != "means"}
    assert found["revocations"]["tokens"][TOKEN] == 1
    earlier: Any = admin.export(before_unix_s)
    assert "loans" not in earlier["datasets"]
    assert admin.model("a/b c") == MODEL | {"owner": "ana"}
    assert admin.model("nobody's") is None


def test_all_problems_come_back_and_nothing_is_written(admin: RegistryClient) -> None:
    bad = {"created_unix_s": "old", "consent_scopes": []}
    with pytest.raises(Invalid) as refused:
        admin.load({Kind.DATASET: {"good": DATA["datasets"]["fresh"], "bad": bad, "worse": bad}})
    places = [problem.split(":")[0] for problem in refused.value.problems]
    assert places == ["datasets.bad.created_unix_s", "datasets.worse.created_unix_s"]
    assert "good" not in admin.export()["datasets"]  # type: ignore[operator]


def test_a_proposal_waits_for_another_person_and_then_later_ones_hold_by_rule(
    server: RegistryServer, admin: RegistryClient
) -> None:
    name = loaded(admin, "proposed")
    made = admin.propose(name, proposal(0.5, 0.4))
    assert (made["state"], made["why"]) == (
        "open",
        "the model has no group means yet: the first ones are a person's word",
    )
    number: Any = made["id"]
    with pytest.raises(NotAllowed, match="waits for a person's word"):
        admin.activate(name, number)
    with RegistryClient(server.url, server.tokens["person"]) as person:
        assert person.activate(name, number)["state"] == "active"
        with pytest.raises(Conflict, match="is active already"):
            person.activate(name, number)
    assert admin.propose(name, proposal(0.51, 0.39))["state"] == "active"
    assert admin.export()["group_mean"][name] == {"a": 0.51, "b": 0.39}  # type: ignore[index]
    waiting: Any = admin.propose(name, proposal(0.60, 0.39))
    assert waiting["state"] == "open"
    rejected = admin.reject(name, waiting["id"], "an odd week")
    assert (rejected["state"], rejected["why"], rejected["decided_by"]) == ("rejected", "an odd week", "admin")
    states = [each["state"] for each in admin.proposals(name)]
    assert states == ["rejected", "active", "active"]


def test_a_person_does_not_activate_what_they_proposed_themselves(
    server: RegistryServer, admin: RegistryClient
) -> None:
    name = loaded(admin, "own")
    with RegistryClient(server.url, server.tokens["person"]) as person:
        made: Any = person.propose(name, proposal(0.5, 0.4))
        with pytest.raises(NotAllowed, match="another person than person"):
            person.activate(name, made["id"])


def test_a_proposal_for_other_groups_is_refused(admin: RegistryClient) -> None:
    name = loaded(admin, "groups")
    body = {"means": {"a": 0.5}, "evidence": {"groups": {}}}
    with pytest.raises(Invalid, match=r"means\.b: missing, and the model declares it"):
        admin.propose(name, body)
    with pytest.raises(Missing, match="there is no model nobody's"):
        admin.propose("nobody's", body)


def test_who_may_not_is_told_so(server: RegistryServer) -> None:
    told = {
        None: "this needs a token: send `Authorization: Bearer TOKEN` (verbs: --token-file FILE, or the variable "
        "SIDECAR_REGISTRY_TOKEN)",
        "x" * 40: "the token is not known here; `sidecar registry token` makes one",
        server.tokens["engine"]: "engine may not read records: that takes one of admin, engineer, reader, steward",
    }
    for token, what in told.items():
        with RegistryClient(server.url, token) as nobody, pytest.raises(NotAllowed) as refused:
            nobody.export()
        assert refused.value.problems == (what,)


def test_publishing_needs_a_registry_that_takes_policies(admin: RegistryClient) -> None:
    with pytest.raises(NotAllowed, match="start it with --policy-key"):
        admin.publish(b"no bundle")


def test_tls_is_verified(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    flags = ["--tls-cert", str(certificate), "--tls-key", str(key)]
    with RegistryServer(tmp_path, *flags) as server:
        url = server.url.replace("http://", "https://")
        with RegistryClient(url, server.tokens["reader"], ca_file=certificate) as trusting:
            assert set(trusting.export()) >= {"models", "datasets"}
        with RegistryClient(url, server.tokens["reader"]) as stranger, pytest.raises(Unreachable, match="CERTIFICATE"):
            stranger.export()


def test_what_does_not_answer_is_unreachable() -> None:
    [port] = free_ports(1)
    with RegistryClient(f"http://127.0.0.1:{port}") as nobody, pytest.raises(Unreachable, match="does not answer"):
        nobody.export()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]"])
def test_what_answers_otherwise_is_no_registry(body: bytes) -> None:
    with (
        answering(lambda _: (200, body)) as url,
        RegistryClient(url) as other,
        pytest.raises(Unreachable, match="is no registry"),
    ):
        other.export()


@pytest.mark.parametrize(
    ("status", "body", "problems"),
    [
        (302, b"", ["the registry answers with 302"]),
        (500, b"[]", ["the registry answers with 500"]),
        (503, json.dumps({"title": "t", "detail": "d"}).encode(), ["d"]),
        (429, json.dumps({"title": "t"}).encode(), ["t"]),
        (400, json.dumps({"detail": "d", "problems": ["one", "two"]}).encode(), ["one", "two"]),
    ],
)
def test_a_refusal_says_what_the_answer_says(status: int, body: bytes, problems: list[str]) -> None:
    """A redirect is one, too: it would let another host see the token."""
    with (
        answering(lambda _: (status, body)) as url,
        RegistryClient(url, "t") as other,
        pytest.raises(RegistryRefused) as refused,
    ):
        other.export()
    assert list(refused.value.problems) == problems


def test_an_endless_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "ANSWER_LIMIT_BYTES", 100)
    with (
        answering(lambda _: (200, b'{"a": 1}' + b" " * 200)) as url,
        RegistryClient(url) as other,
        pytest.raises(Unreachable, match="answers with more than 100 bytes"),
    ):
        other.export()


def test_the_environment_names_no_proxy(server: RegistryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with RegistryClient(server.url, server.tokens["reader"]) as direct:
        assert "models" in direct.export()


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://[::1]:1/", "http://localhost", "https://r.example/base/"]
)
def test_urls_that_keep_a_token_private(url: str) -> None:
    with RegistryClient(url) as opened:
        assert opened.url == url.rstrip("/")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://registry.example", "in the clear"),
        ("http://10.1.2.3:8095", "in the clear"),
        ("http://127.0.0.1.example", "in the clear"),
        ("ftp://registry.example", "no URL of a registry"),
        ("registry.example", "no URL of a registry"),
        ("https://user:word@registry.example", "no URL of a registry"),
        ("https://registry.example/?a=1", "no URL of a registry"),
        ("https://", "no URL of a registry"),
        ("https://a:b:c", "is no URL"),
    ],
)
def test_urls_that_will_not_do(url: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        RegistryClient(url)


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text("of-a-file\n")
    monkeypatch.delenv("SIDECAR_REGISTRY_TOKEN", raising=False)
    assert (read_token(path), read_token(None)) == ("of-a-file", None)
    monkeypatch.setenv("SIDECAR_REGISTRY_TOKEN", "of-a-variable")
    assert (read_token(path), read_token(None)) == ("of-a-file", "of-a-variable")


@pytest.mark.parametrize(
    ("text", "what"), [("", "is empty"), ("two words", "no token"), ("a\nb", "no token"), ("é", "no token")]
)
def test_what_is_no_token(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(ValueError, match=what):
        read_token(path)
