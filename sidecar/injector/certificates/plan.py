"""What is due: from what the Secrets hold to what they should hold at a time. Pure, but for the chance in new keys."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature

from sidecar.injector.certificates import pem
from sidecar.injector.certificates.authority import (
    AUTHORITY_RENEWED_AT,
    LEAF_RENEWED_AT,
    founded,
    is_due,
    leaf,
    names_of,
    succeeded,
)
from sidecar.injector.certificates.secrets import Leaf, authority_data, authority_of, leaf_data, leaf_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cryptography import x509

    from sidecar.injector.certificates.authority import Authority, Issued
    from sidecar.injector.certificates.secrets import Data


class Renew(enum.Enum):
    """What is renewed whether it is due or not."""

    NOTHING = enum.auto()
    LEAVES = enum.auto()
    ALL = enum.auto()


@dataclass(frozen=True, slots=True)
class Planned:
    """What the Secrets should hold. `bundle`: whom clients should trust (PEM); `ends`: when each certificate ends."""

    authority: Data
    leaves: Mapping[str, Data]
    bundle: bytes
    ends: Mapping[str, datetime]


AUTHORITY = "authority"


def plan(
    name: str,
    authority: Mapping[str, bytes],
    leaves: Mapping[str, tuple[Sequence[str], Mapping[str, bytes]]],
    now: datetime,
    renew: Renew = Renew.NOTHING,
) -> Planned:
    """`name`: of the authority, for people. `leaves`: for each its DNS names, and what its Secret holds.

    What is good stays as it is, byte for byte. Raises `AuthorityUnreadable`.
    """
    signer = _authority(name, authority_of(authority), now, renew)
    served = {each: _leaf(signer, names, leaf_of(data), now, renew) for each, (names, data) in leaves.items()}
    return Planned(
        authority=authority_data(signer),
        leaves={each: leaf_data(found) for each, found in served.items()},
        bundle=pem.of_certificates(signer.trusted(now)),
        ends={
            AUTHORITY: signer.issued.certificate.not_valid_after_utc,
            **{each: found.issued.certificate.not_valid_after_utc for each, found in served.items()},
        },
    )


def _authority(name: str, present: Authority | None, now: datetime, renew: Renew) -> Authority:
    if present is None:
        return founded(name, now)
    if renew is Renew.ALL or is_due(present.issued.certificate, AUTHORITY_RENEWED_AT, now):
        return succeeded(present, name, now)
    return present


def _leaf(signer: Authority, names: Sequence[str], present: Leaf | None, now: datetime, renew: Renew) -> Leaf:
    """Also where only those whom to trust have changed: its Secret tells clients."""
    if present is None or renew is not Renew.NOTHING or not _is_good(present.issued, signer, names, now):
        issued = leaf(signer, names, now)
    else:
        issued = present.issued
    return Leaf(issued, signer.chain(now), signer.trusted(now))


def _is_good(issued: Issued, signer: Authority, names: Sequence[str], now: datetime) -> bool:
    certificate = issued.certificate
    if is_due(certificate, LEAF_RENEWED_AT, now) or names_of(certificate) != tuple(names):
        return False
    return _is_signed(certificate, signer.issued.certificate)


def _is_signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):  # ValueError: another issuer's name
        return False
    return True
