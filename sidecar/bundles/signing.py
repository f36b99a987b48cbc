"""Signatures of bundles, as OPA makes and checks them: a JWT over the hash of each file (`.signatures.json`).

Source: OPA's documentation, "Bundle signing". Of JSON files (`data.json`, `.manifest`) OPA hashes the value in a
canonical form, of others the bytes. The scope, which both sides must name, is the bundle's name: one bundle can't
pass for another of the same signer.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import jwt
import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import ECAlgorithm
from jwt.utils import der_to_raw_signature

from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES
from sidecar.bundles.canonical import canonical_text
from sidecar.bundles.invalid import BundleInvalid, KeyInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

RSA_LEAST_BITS = 2048
_JSON_FILES = frozenset({DATA, MANIFEST})


class _Repeatable(ECAlgorithm):
    """ES256 without chance (RFC 6979): registries that share a key serve the same bytes, under the same entity tag."""

    def sign(self, msg: bytes, key: EllipticCurvePrivateKey) -> bytes:
        """See PyJWT, whose own signature differs each time."""
        return der_to_raw_signature(key.sign(msg, ECDSA(SHA256(), deterministic_signing=True)), key.curve)


_JWS = jwt.PyJWS()
_JWS.unregister_algorithm("ES256")
_JWS.register_algorithm("ES256", _Repeatable(ECAlgorithm.SHA256))


class SigningKey:
    """A private key: P-256 (ES256) or RSA of 2048 bits and more (RS256). OPA knows no Ed25519."""

    def __init__(self, pem: bytes, key_id: str) -> None:
        """From unencrypted PEM; raises `KeyInvalid`. `key_id` goes into the signature's header."""
        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
            raise KeyInvalid(f"no private key in PEM: {error}") from None
        if not isinstance(key, EllipticCurvePrivateKey | RSAPrivateKey):
            raise KeyInvalid(_WHICH)
        self.algorithm = _algorithm(key.public_key())
        self.key_id = key_id
        self._key = key

    def sign(self, files: Mapping[str, bytes], scope: str) -> bytes:
        """The content of `.signatures.json` for these files; raises `BundleInvalid` where JSON among them is none."""
        named = sorted(set(files) - {SIGNATURES})
        claims: dict[str, Any] = {
            "files": [{"name": name, "hash": _digest(name, files[name]), "algorithm": "SHA-256"} for name in named],
            "scope": scope,
        }
        signed = _JWS.encode(orjson.dumps(claims), self._key, algorithm=self.algorithm, headers={"kid": self.key_id})
        return orjson.dumps({"signatures": [signed]})


class VerifyingKey:
    """A public key whose signatures are believed."""

    def __init__(self, pem: bytes) -> None:
        """From PEM; raises `KeyInvalid`."""
        try:
            key = load_pem_public_key(pem)
            self.pem = pem.decode("ascii")
        except (ValueError, UnsupportedAlgorithm) as error:
            raise KeyInvalid(f"no public key in PEM: {error}") from None
        if not isinstance(key, EllipticCurvePublicKey | RSAPublicKey):
            raise KeyInvalid(_WHICH)
        self.algorithm = _algorithm(key)
        self._key = key

    def verify(self, files: Mapping[str, bytes], scope: str) -> None:
        """Raises `BundleInvalid` unless this key signed exactly these files for this scope."""
        claims = self._claims(files.get(SIGNATURES))
        if claims.get("scope") != scope:
            raise BundleInvalid(f"it is signed for scope {claims.get('scope')!r}, not {scope!r}")
        signed = _signed(claims.get("files"))
        if set(signed) != set(files) - {SIGNATURES}:
            raise BundleInvalid("its signature names other files than it holds")
        for name, digest in signed.items():
            if _digest(name, files[name]) != digest:
                raise BundleInvalid(f"{name}: is not what was signed")

    def _claims(self, signatures: bytes | None) -> dict[str, Any]:
        if signatures is None:
            raise BundleInvalid("it is not signed")
        try:
            (token,) = cast("list[str]", orjson.loads(signatures)["signatures"])
            return jwt.decode(token, self._key, algorithms=[self.algorithm], options={"verify_aud": False})
        except (jwt.InvalidTokenError, ValueError, KeyError, TypeError) as error:
            raise BundleInvalid(f"its signature does not verify: {error}") from None


_WHICH = "the key must be of P-256 or RSA: OPA verifies no other"


def _algorithm(key: EllipticCurvePublicKey | RSAPublicKey) -> str:
    if isinstance(key, RSAPublicKey):
        if key.key_size < RSA_LEAST_BITS:
            raise KeyInvalid(f"an RSA key must have {RSA_LEAST_BITS} bits at least")
        return "RS256"
    if not isinstance(key.curve, SECP256R1):
        raise KeyInvalid(_WHICH)
    return "ES256"


def _signed(entries: object) -> dict[str, object]:
    """Path to hash. Only SHA-256 counts, whatever a signer may have used."""
    found: dict[str, object] = {}
    for entry in cast("list[object]", entries) if isinstance(entries, list) else ():
        fields = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
        if fields.get("algorithm") != "SHA-256":
            raise BundleInvalid("its signature is not over SHA-256")
        found[str(fields.get("name"))] = fields.get("hash")
    return found


def _digest(name: str, content: bytes) -> str:
    if name.rpartition("/")[2] in _JSON_FILES:
        content = canonical_text(content, name)
    return hashlib.sha256(content).hexdigest()
