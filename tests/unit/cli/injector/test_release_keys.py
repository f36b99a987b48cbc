"""What is in the files fits together: who is let in, what verifies what."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import yaml

from sidecar.bundles.signing import SigningKey, VerifyingKey
from sidecar.cli.injector.release_keys import Release, release_files
from sidecar.registry.access.callers import Caller, Role
from sidecar.registry.access.token_file import parse

RELEASE = Release("policy-system", "policy", ("models", "credit"), "model-policy-sidecar")
BUNDLE = {"data.json": b"{}"}


def secrets(files: dict[str, bytes]) -> dict[tuple[str, str], dict[str, bytes]]:
    """By namespace and name."""
    found: dict[tuple[str, str], dict[str, bytes]] = {}
    for each in yaml.safe_load_all(files["secrets.yaml"]):
        assert (each["apiVersion"], each["kind"], each["type"]) == ("v1", "Secret", "Opaque")
        data = {name: base64.b64decode(content, validate=True) for name, content in each["data"].items()}
        found[each["metadata"]["namespace"], each["metadata"]["name"]] = data
    return found


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return release_files(RELEASE)


def test_each_secret_has_what_its_pods_need(files: dict[str, bytes]) -> None:
    found = secrets(files)
    assert {place: set(data) for place, data in found.items()} == {
        ("policy-system", "policy-registry"): {"tokens.yaml", "subject.key", "signing.pem", "policy.pub"},
        ("models", "model-policy-sidecar"): {"subject.key", "engine.token"},
        ("credit", "model-policy-sidecar"): {"subject.key", "engine.token"},
    }
    [subject_key] = {data["subject.key"] for data in found.values()}
    assert len(subject_key) == 32


def test_every_token_is_let_in_as_whom_it_is_for(files: dict[str, bytes]) -> None:
    import hashlib

    found = secrets(files)
    entries = parse(found["policy-system", "policy-registry"]["tokens.yaml"], "tokens.yaml")
    callers = {entry.digest: entry.caller for entry in entries}
    tokens = {
        "admin": files["admin.token"],
        "engineer": files["engineer.token"],
        "steward": files["steward.token"],
        "engines of models": found["models", "model-policy-sidecar"]["engine.token"],
        "engines of credit": found["credit", "model-policy-sidecar"]["engine.token"],
    }
    assert {name: callers[hashlib.sha256(token).digest()] for name, token in tokens.items()} == {
        "admin": Caller("admin", frozenset({Role.ADMIN}), True),
        "engineer": Caller("engineer", frozenset({Role.ENGINEER})),
        "steward": Caller("steward", frozenset({Role.STEWARD})),
        "engines of models": Caller("engines of models", frozenset({Role.ENGINE})),
        "engines of credit": Caller("engines of credit", frozenset({Role.ENGINE})),
    }


def test_the_charts_keys_verify_what_registry_and_people_sign(files: dict[str, bytes]) -> None:
    values: dict[str, Any] = yaml.safe_load(files["values.yaml"])
    of_registry = secrets(files)["policy-system", "policy-registry"]
    pairs = {"publicKey": of_registry["signing.pem"], "policyKey": files["policy.pem"]}
    for name, private in pairs.items():
        signed = {**BUNDLE, ".signatures.json": SigningKey(private, "x").sign(BUNDLE, "scope")}
        VerifyingKey(values["registry"][name].encode()).verify(signed, "scope")
    assert of_registry["policy.pub"].decode() == values["registry"]["policyKey"]
    assert (values["fullnameOverride"], values["guard"]) == ("policy", {"secret": "model-policy-sidecar"})


def test_no_private_key_and_no_token_is_in_the_values(files: dict[str, bytes]) -> None:
    assert b"PRIVATE" not in files["values.yaml"]
    assert b"mps_" not in files["values.yaml"]


def test_keys_of_consent_are_where_the_values_say() -> None:
    files = release_files(Release("a", "b", ("models",), "guards", b'{"keys": []}'))
    assert secrets(files)["models", "guards"]["jwks.json"] == b'{"keys": []}'
    assert yaml.safe_load(files["values.yaml"])["guard"] == {
        "secret": "guards",
        "settings": {"consent_keys": "/etc/model-policy-sidecar/secrets/jwks.json"},
    }


def test_keys_are_new_each_time(files: dict[str, bytes]) -> None:
    again = release_files(RELEASE)
    assert [name for name, content in again.items() if content == files[name]] == []
