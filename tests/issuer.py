"""A consent issuer with a real key: its key set and tokens."""

from __future__ import annotations

import json
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

if TYPE_CHECKING:
    from pathlib import Path

ISSUER = "https://issuer.example"
AUDIENCE = "credit"


class Issuer:
    """ES256, one key."""

    @cached_property
    def _key(self) -> ec.EllipticCurvePrivateKey:
        return ec.generate_private_key(ec.SECP256R1())

    def write_jwks(self, path: Path) -> Path:
        """The public key set, as `--consent-keys` takes it."""
        jwk: dict[str, Any] = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        path.write_text(json.dumps({"keys": [{**jwk, "kid": "k1", "alg": "ES256", "use": "sig"}]}))
        return path

    def token(self, *, expires_in_s: float = 3_600, **claims: object) -> str:
        """A good token, but for what `claims` says otherwise."""
        whole = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "person-1",
            "jti": "token-1",
            "scope": "credit_scoring",
            "exp": int(time.time() + expires_in_s),
        }
        return jwt.encode(whole | claims, self._key, "ES256", headers={"kid": "k1"})
