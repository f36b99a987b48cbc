"""Certificates and keys as text (PEM), as Secrets hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

if TYPE_CHECKING:
    from collections.abc import Iterable


class PemInvalid(Exception):
    """No certificate, or no key of ours."""


def of_certificates(certificates: Iterable[x509.Certificate]) -> bytes:
    """One after another."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates)


def of_key(key: EllipticCurvePrivateKey) -> bytes:
    """PKCS#8, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    """All that stand in the text, none where it is empty; raises `PemInvalid`."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem)) if pem.strip() else ()
    except ValueError as error:
        raise PemInvalid(f"holds no certificates: {error}") from None


def key(pem: bytes) -> EllipticCurvePrivateKey:
    """Raises `PemInvalid`."""
    try:
        found = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise PemInvalid(f"holds no private key: {error}") from None
    if not isinstance(found, EllipticCurvePrivateKey):
        raise PemInvalid("holds a key of another kind than ours (elliptic curve)")
    return found
