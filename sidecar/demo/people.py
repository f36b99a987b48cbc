"""Those who give consent: an issuer of tokens with a key of its own, and the claims of one person's token."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from sidecar.demo.policy_data import SCOPE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.demo.applications import Application

ISSUER = "https://consent.example"
AUDIENCE = "model-policy-sidecar-demo"
TOKEN_LIFE_S = 3_600
ALGORITHM = "ES256"


class Issuer:
    """Signs tokens with a fresh P-256 key."""

    def __init__(self, key_id: str = "demo") -> None:
        self._key_id = key_id
        self._key = ec.generate_private_key(ec.SECP256R1())

    def key_set(self) -> dict[str, Any]:
        """The public key as a JWKS (RFC 7517), for `--consent-keys`."""
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self._key_id, "use": "sig", "alg": ALGORITHM}]}

    def token(self, claims: Mapping[str, object]) -> str:
        """A signed token."""
        return jwt.encode(dict(claims), self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})


def claims_of(application: Application, call: int, now_unix_s: float) -> dict[str, object]:
    """What the applicant's own token says, for this call alone: `jti` never comes twice."""
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": f"applicant-{application.number}",
        "jti": f"call-{call}",
        "iat": int(now_unix_s),
        "exp": int(now_unix_s) + TOKEN_LIFE_S,
        "scope": SCOPE,
        "group": application.group,
    }
