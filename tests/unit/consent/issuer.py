"""A real issuer: keys made once a session, tokens really signed."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER = "https://issuer.example"
AUDIENCE = "model-policy-sidecar"
NOW_S = 1_795_300_000


class Issuer:
    """Four keys, one a type, each with a kid; the set says which are public."""

    def __init__(self) -> None:
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.okp = ed25519.Ed25519PrivateKey.generate()
        self.secret = secrets.token_bytes(32)
        self.jwks = {
            "rsa": {**RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True), "kid": "rsa"},
            "ec": {**ECAlgorithm.to_jwk(self.ec.public_key(), as_dict=True), "kid": "ec"},
            "okp": {**OKPAlgorithm.to_jwk(self.okp.public_key(), as_dict=True), "kid": "okp"},
            "oct": {"kty": "oct", "k": b64(self.secret), "kid": "oct"},
        }
        self.by_algorithm = {
            "RS256": (self.rsa, "rsa"),
            "PS256": (self.rsa, "rsa"),
            "ES256": (self.ec, "ec"),
            "EdDSA": (self.okp, "okp"),
            "HS256": (self.secret, "oct"),
        }

    def set(self, *kids: str) -> bytes:
        return json.dumps({"keys": [self.jwks[kid] for kid in kids]}).encode()

    def token(
        self,
        algorithm: str = "ES256",
        headers: dict[str, Any] | None = None,
        without: tuple[str, ...] = (),
        **claims: Any,
    ) -> bytes:
        """A good token, but for what `headers` and `claims` change and `without` takes away."""
        key, kid = self.by_algorithm[algorithm]
        payload = {key: value for key, value in good_claims(**claims).items() if key not in without}
        # Encoded here, not by PyJWT, which would refuse to sign some of what an attacker may send.
        return self.sign(json.dumps(payload).encode(), algorithm, key, {"kid": kid, **(headers or {})})

    def sign(self, payload: bytes, algorithm: str, key: Any, headers: dict[str, Any]) -> bytes:
        algorithm_object = jwt.PyJWS().get_algorithm_by_name(algorithm)
        header = {"typ": "JWT", "alg": algorithm, **headers}
        header = {name: value for name, value in header.items() if value is not None}
        signed = f"{b64(json.dumps(header).encode())}.{b64(payload)}".encode()
        return signed + b"." + b64(algorithm_object.sign(signed, algorithm_object.prepare_key(key))).encode()


def good_claims(**changes: Any) -> dict[str, Any]:
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "person-1",
        "exp": NOW_S + 3_600,
        "iat": NOW_S - 10,
        "jti": "token-1",
        "scope": "credit_scoring marketing",
        **changes,
    }


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
