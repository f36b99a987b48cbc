"""The keys of a release, as files: who signs, who may call the registry, and how people and tokens are named.

Private halves go into Secrets (`secrets.yaml`) and to people; public ones into values for the chart.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sidecar.cli.injector import manifests
from sidecar.consent.pseudonym import KEY_BYTES
from sidecar.injector.certificates import pem
from sidecar.injector.names import SECRETS_FOLDER
from sidecar.registry.access import token_file
from sidecar.registry.access.callers import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRETS_FILE, VALUES_FILE, POLICY_KEY_FILE = "secrets.yaml", "values.yaml", "policy.pem"
JWKS = "jwks.json"
PEOPLE = {"admin": Role.ADMIN, "engineer": Role.ENGINEER, "steward": Role.STEWARD}
"""Who calls the registry by hand. The admin counts as a named human, who may activate proposals."""

ENGINES_OF = "engines of "


@dataclass(frozen=True, slots=True)
class Release:
    """What a release is called, and which namespaces it guards. `secret`: its name in each of these."""

    namespace: str
    name: str
    guarded: tuple[str, ...]
    secret: str
    consent_keys: bytes | None = None


def release_files(release: Release) -> dict[str, bytes]:
    """Name to content; new keys each time."""
    signing, policy = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    subject_key = secrets.token_bytes(KEY_BYTES)
    tokens, lines = _tokens(release)
    of_registry = {
        "tokens.yaml": "".join(lines).encode(),
        "subject.key": subject_key,
        "signing.pem": pem.of_key(signing),
        "policy.pub": _public(policy),
    }
    of_all = {"subject.key": subject_key} | ({JWKS: release.consent_keys} if release.consent_keys else {})
    objects = [_secret(release.namespace, f"{release.name}-registry", of_registry)]
    for namespace in release.guarded:
        objects.append(_secret(namespace, release.secret, of_all | {"engine.token": tokens[ENGINES_OF + namespace]}))
    return {
        SECRETS_FILE: manifests.dump(objects).encode(),
        VALUES_FILE: manifests.dump([_values(release, _public(signing).decode(), _public(policy).decode())]).encode(),
        POLICY_KEY_FILE: pem.of_key(policy),
        **{f"{person}.token": tokens[person] for person in PEOPLE},
    }


def _tokens(release: Release) -> tuple[dict[str, bytes], list[str]]:
    """By the subject whose they are, and the lines of `tokens.yaml`."""
    tokens: dict[str, bytes] = {}
    lines: list[str] = []
    engines = dict.fromkeys(release.guarded, Role.ENGINE)
    for whose, role in (*PEOPLE.items(), *engines.items()):
        subject = ENGINES_OF + whose if role is Role.ENGINE else whose
        token, line = token_file.made(subject, [role], person=role is Role.ADMIN)
        tokens[subject] = token.encode()
        lines.append(line)
    return tokens, lines


def _values(release: Release, public_key: str, policy_key: str) -> dict[str, Any]:
    settings = {"consent_keys": f"{SECRETS_FOLDER}/{JWKS}"} if release.consent_keys else {}
    return {
        "fullnameOverride": release.name,  # so that the chart finds its Secret
        "guard": {"secret": release.secret, **({"settings": settings} if settings else {})},
        "registry": {"publicKey": public_key, "policyKey": policy_key},
    }


def _secret(namespace: str, name: str, files: Mapping[str, bytes]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace},
        "type": "Opaque",
        "data": {file: base64.b64encode(content).decode() for file, content in files.items()},
    }


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
