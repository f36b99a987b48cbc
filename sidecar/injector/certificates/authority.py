"""An authority, its successors, and the leaves that it signs. All keys are P-256.

**Succession.** Clients learn a new authority at times of their own: webhook configurations within seconds, guarded pods
never, for what they trust is written into them when they are made. So the new authority's key is also certified by the
old one (a *cross certificate*), which every leaf carries: whoever trusts any authority of before, up to its end, can
follow the chain to a leaf of today. The other way round, the old one stays trusted until no leaf of its can be alive.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

AUTHORITY_LIFE = timedelta(days=5 * 365)
AUTHORITY_RENEWED_AT = 4 / 5
LEAF_LIFE = timedelta(days=90)
LEAF_RENEWED_AT = 2 / 3
BACKDATED = timedelta(hours=1)
"""So that a client whose clock is slow takes a new certificate."""
SUCCESSION_LIMIT = 4
"""Authorities of before that are kept at most: somebody may force renewals as often as they like."""


@dataclass(frozen=True, slots=True, eq=False)
class Issued:
    """A certificate and its private key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True, eq=False)
class Authority:
    """Who signs, newest first in all of it. `previous`: who signed before; `crosses`: each one's key, certified by the
    one before it."""

    issued: Issued
    previous: tuple[x509.Certificate, ...] = ()
    crosses: tuple[x509.Certificate, ...] = ()

    def trusted(self, now: datetime) -> tuple[x509.Certificate, ...]:
        """Whom a client should trust: this one, and those before it while a leaf of theirs may be alive."""
        line = (self.issued.certificate, *self.previous)
        living = [
            old
            for successor, old in pairwise(line)
            if now < min(old.not_valid_after_utc, successor.not_valid_before_utc + BACKDATED + LEAF_LIFE)
        ]
        return (line[0], *living)

    def chain(self, now: datetime) -> tuple[x509.Certificate, ...]:
        """What a leaf carries for clients who trust only an authority of before."""
        return tuple(cross for cross in self.crosses if now < cross.not_valid_after_utc)


def founded(name: str, now: datetime) -> Authority:
    """A first authority."""
    key = _new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name[:40]} authority {secrets.token_hex(4)}")])
    certificate = _of_authority(subject, key.public_key(), _Signer(subject, key), now, now + AUTHORITY_LIFE)
    return Authority(Issued(certificate, key))


def succeeded(old: Authority, name: str, now: datetime) -> Authority:
    """The next one, which whoever trusts the old one can follow; a fresh one where the old one has ended."""
    new = founded(name, now)
    before = old.issued.certificate
    if before.not_valid_after_utc <= now:
        return new
    subject = new.issued.certificate.subject
    end = min(before.not_valid_after_utc, new.issued.certificate.not_valid_after_utc)
    signer = _Signer(before.subject, old.issued.key)
    cross = _of_authority(subject, new.issued.key.public_key(), signer, now, end)
    previous = (before, *old.previous)[:SUCCESSION_LIMIT]
    return Authority(new.issued, previous, (cross, *old.chain(now))[:SUCCESSION_LIMIT])


def leaf(authority: Authority, names: Sequence[str], now: datetime) -> Issued:
    """A certificate of a server that is called by any of `names`."""
    key = _new_key()
    issuer = authority.issued.certificate
    signer = _Signer(issuer.subject, authority.issued.key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0].partition(".")[0])])  # 64 characters at most
    end = min(now + LEAF_LIFE, issuer.not_valid_after_utc)
    builder = _builder(subject, key.public_key(), signer, now, end)
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    certificate = (
        builder.add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signer.key, SHA256())
    )
    return Issued(certificate, key)


def is_due(certificate: x509.Certificate, share: float, now: datetime) -> bool:
    """Whether that share of its life is over."""
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= start + (end - start) * share


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The DNS names that a leaf is for; none in a certificate of another kind."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    return tuple(found.value.get_values_for_type(x509.DNSName))


class _Signer(NamedTuple):
    name: x509.Name
    key: ec.EllipticCurvePrivateKey


def _of_authority(
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signer: _Signer,
    now: datetime,
    end: datetime,
) -> x509.Certificate:
    return (
        _builder(subject, public_key, signer, now, end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(signer.key, SHA256())
    )


def _builder(
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signer: _Signer,
    now: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.name)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(identifier, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
