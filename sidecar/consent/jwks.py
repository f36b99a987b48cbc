"""JSON Web Key Sets (RFC 7517), read strictly: every usable key is bound to the algorithms that fit its type.

So no token can have its RSA key used as an HMAC secret. A key of another purpose (`use`, `key_ops`, an
unknown `kty`, an algorithm that is not in use) is passed over, as section 5 wants; a key that is wrong is a
problem, and with one problem the whole set is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sidecar.consent.strict_json import parse_object

if TYPE_CHECKING:
    from collections.abc import Collection

RSA_MIN_BITS = 2_048
HMAC_MIN_BYTES = 32
"""RFC 7518, section 3.2: a key at least as long as the hash."""

_RSA_ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
_BY_CURVE = {
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
    ("OKP", "Ed448"): frozenset({"EdDSA"}),
}
_HMAC = "HS256"
ALGORITHMS = _RSA_ALGORITHMS.union(*_BY_CURVE.values(), {_HMAC})
"""All that `--consent-algorithms` may name."""


class KeySetError(ValueError):
    """A key set that cannot be used; `problems` has all that is wrong with it."""

    def __init__(self, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One verification key. `algorithms` are those in use that fit it; `material` is what PyJWT takes."""

    kid: str | None
    algorithms: frozenset[str]
    material: Any


@dataclass(frozen=True, slots=True)
class KeySet:
    """The usable keys of one reading; `revision` rises with every change."""

    keys: tuple[Key, ...] = ()
    revision: int = 0

    def find(self, kid: str | None, algorithm: str) -> Key | None:
        """The key that a token names; for a token without `kid`, the only key that fits its algorithm."""
        fitting = [key for key in self.keys if algorithm in key.algorithms]
        if kid is not None:
            fitting = [key for key in fitting if key.kid == kid]
        return fitting[0] if len(fitting) == 1 else None


def parse_jwks(data: bytes, algorithms: Collection[str]) -> tuple[Key, ...]:
    """The usable keys of a JWKS document; raises `KeySetError` with every problem."""
    problems: list[str] = []
    keys: list[Key] = []
    for index, jwk in enumerate(_entries(data)):
        try:
            key = _parse_key(jwk, frozenset(algorithms))
        except ValueError as error:
            problems.append(f"keys[{index}]: {error}")
            continue
        if key is not None:
            keys.append(key)
    kids = [key.kid for key in keys if key.kid is not None]
    problems += [f"the kid {kid!r} stands more than once" for kid in sorted({k for k in kids if kids.count(k) > 1})]
    if not keys and not problems:
        problems.append(f"it holds no signature key for any of {', '.join(sorted(algorithms))}")
    if problems:
        raise KeySetError(*problems)
    return tuple(keys)


def _entries(data: bytes) -> list[Any]:
    try:
        entries = parse_object(data).get("keys")
    except ValueError as error:
        raise KeySetError(str(error)) from None
    if not isinstance(entries, list):
        raise KeySetError("it has no array `keys`")
    return cast("list[Any]", entries)


def _parse_key(jwk: Any, in_use: frozenset[str]) -> Key | None:
    """A key, None for one that is not for us; raises ValueError for one that is wrong."""
    if not isinstance(jwk, dict):
        raise ValueError("it is not an object")  # noqa: TRY004 - the caller's one kind of failure
    members = cast("dict[str, Any]", jwk)
    kid = members.get("kid")
    if kid is not None and not (isinstance(kid, str) and kid):
        raise ValueError("its kid is not a text")
    if not _is_for_signatures(members):
        return None
    algorithms = _fitting(members) & in_use
    if members.get("kty") == "oct" and _HMAC not in in_use:
        raise ValueError(f"it is a shared secret, and {_HMAC} is not among the algorithms")
    if not algorithms:
        return None
    return Key(kid, algorithms, _material(members, min(algorithms)))


def _is_for_signatures(members: dict[str, Any]) -> bool:
    operations = members.get("key_ops", ["verify"])
    return members.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _fitting(members: dict[str, Any]) -> frozenset[str]:
    """The algorithms for which a key may be used; empty for a type or curve that we do not know."""
    match members.get("kty"):
        case "RSA":
            by_type = _RSA_ALGORITHMS
        case "oct":
            by_type = frozenset({_HMAC})
        case kty:
            by_type = _BY_CURVE.get((str(kty), str(members.get("crv"))), frozenset[str]())
    algorithm = members.get("alg")
    if algorithm is None or not by_type:
        return by_type
    if algorithm in ALGORITHMS and algorithm not in by_type:
        raise ValueError("its alg does not fit its kty")
    return by_type & {algorithm}


def _material(members: dict[str, Any], algorithm: str) -> Any:
    if "d" in members:
        raise ValueError("it is a private key: a key set for verification holds public ones")
    try:
        material = jwt.PyJWK(members, algorithm=algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        raise ValueError(f"it is not a valid {members.get('kty')} key") from None
    if isinstance(material, RSAPublicKey) and material.key_size < RSA_MIN_BITS:
        raise ValueError(f"its modulus has {material.key_size} bits, less than {RSA_MIN_BITS}")
    if isinstance(material, bytes) and len(material) < HMAC_MIN_BYTES:
        raise ValueError(f"it has {len(material)} bytes, less than {HMAC_MIN_BYTES}")
    return material
