"""Certificates as clients see them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cryptography.x509 import DNSName, load_pem_x509_certificates
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def believes(trusted: bytes, served: Mapping[str, bytes], name: str, now: datetime) -> bool:
    """Whether a client who trusts these authorities (PEM) takes what a server sends, as RFC 5280 has it."""
    leaf, *chain = load_pem_x509_certificates(served["tls.crt"])
    store = Store(load_pem_x509_certificates(trusted))
    verifier = PolicyBuilder().store(store).time(now).build_server_verifier(DNSName(name))
    try:
        verifier.verify(leaf, chain)
    except VerificationError:
        return False
    return True
