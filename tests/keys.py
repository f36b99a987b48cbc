"""Keys that sign bundles in tests: one of each kind that OPA verifies."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sidecar.bundles.signing import SigningKey, VerifyingKey

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

EC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


def private_pem(key: PrivateKey = EC) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(key: PrivateKey = EC) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def signing_key(key: PrivateKey = EC, key_id: str = "policy") -> SigningKey:
    return SigningKey(private_pem(key), key_id)


def verifying_key(key: PrivateKey = EC) -> VerifyingKey:
    return VerifyingKey(public_pem(key))
