"""An authority and a leaf as the data of a Secret: names of files, and PEM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.injector.certificates import pem
from sidecar.injector.certificates.authority import Authority, Issued
from sidecar.injector.certificates.pem import PemInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography import x509

Data = dict[str, bytes]
"""What a Secret holds."""

CA_CERT, CA_KEY, PREVIOUS, CROSSES = "ca.crt", "ca.key", "previous.crt", "cross.crt"
TLS_CERT, TLS_KEY = "tls.crt", "tls.key"
"""As in Secrets of type kubernetes.io/tls, and of cert-manager; with `ca.crt`, whom clients should trust."""


class AuthorityUnreadable(Exception):
    """The Secret of an authority holds something else. It is not replaced: guarded pods trust what was in it."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A server's certificate with what it carries (`chain`), and whom its clients should trust."""

    issued: Issued
    chain: tuple[x509.Certificate, ...]
    trusted: tuple[x509.Certificate, ...]


def authority_data(authority: Authority) -> Data:
    """What its Secret holds; `authority_of` reads it."""
    data = {
        CA_CERT: pem.of_certificates([authority.issued.certificate]),
        CA_KEY: pem.of_key(authority.issued.key),
        PREVIOUS: pem.of_certificates(authority.previous),
        CROSSES: pem.of_certificates(authority.crosses),
    }
    return {name: content for name, content in data.items() if content}


def authority_of(data: Mapping[str, bytes]) -> Authority | None:
    """None where nothing is in it yet; raises `AuthorityUnreadable`."""
    if not data:
        return None
    try:
        issued = _issued(data, CA_CERT, CA_KEY)
        return Authority(issued, _certificates(data, PREVIOUS), _certificates(data, CROSSES))
    except PemInvalid as error:
        raise AuthorityUnreadable(str(error)) from None


def leaf_data(leaf: Leaf) -> Data:
    """What its Secret holds; `leaf_of` reads it."""
    return {
        TLS_CERT: pem.of_certificates([leaf.issued.certificate, *leaf.chain]),
        TLS_KEY: pem.of_key(leaf.issued.key),
        CA_CERT: pem.of_certificates(leaf.trusted),
    }


def leaf_of(data: Mapping[str, bytes]) -> Leaf | None:
    """None where there is none that could be served: it is made anew."""
    try:
        issued = _issued(data, TLS_CERT, TLS_KEY)
        return Leaf(issued, _certificates(data, TLS_CERT)[1:], _certificates(data, CA_CERT))
    except PemInvalid:
        return None


def _issued(data: Mapping[str, bytes], cert_name: str, key_name: str) -> Issued:
    found = _certificates(data, cert_name)
    if not found:
        raise PemInvalid(f"{cert_name} is not there")
    try:
        key = pem.key(data.get(key_name, b""))
    except PemInvalid as error:
        raise PemInvalid(f"{key_name} {error}") from None
    if found[0].public_key() != key.public_key():
        raise PemInvalid(f"{cert_name} is not of {key_name}")
    return Issued(found[0], key)


def _certificates(data: Mapping[str, bytes], name: str) -> tuple[x509.Certificate, ...]:
    try:
        return pem.certificates(data.get(name, b""))
    except PemInvalid as error:
        raise PemInvalid(f"{name} {error}") from None
