"""Tokens of an identity provider (`--token-keys`): JWTs whose claim `roles` names roles of ours (RFC 9068).

A person is who the token calls one: claim `person` true. Key sets are read as for consent tokens: strictly, anew when
they change, and every key bound to the algorithms that fit it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import jwt

from sidecar.consent.claims import Claims, parse_claims
from sidecar.consent.strict_json import parse_object
from sidecar.registry.access.callers import Caller, Role, Unauthorised

if TYPE_CHECKING:
    from sidecar.consent.jwks import Key
    from sidecar.consent.keys import KeySource
    from sidecar.model.clock import Clock

ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY_S = 30.0

_FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_JWS = jwt.PyJWS(algorithms=list(ALGORITHMS))


class JwtTokens:
    """A `Verifier` over a key set."""

    def __init__(self, keys: KeySource, *, issuer: str, audience: str, clock: Clock) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._clock = clock

    async def caller(self, token: str) -> Caller | None:
        """See `Verifier`."""
        if _FORM.fullmatch(token) is None:
            return None
        payload = await self._verified(token)
        try:
            self._check(parse_claims(payload))
        except ValueError as error:
            raise Unauthorised(f"the token is not accepted: {error}") from None
        return _caller(payload)

    async def _verified(self, token: str) -> dict[str, Any]:
        """The payload, once its signature holds."""
        try:
            header = jwt.get_unverified_header(token)
            key = await self._key(header.get("kid"), str(header.get("alg")))
            return parse_object(_JWS.decode(token, key.material, algorithms=sorted(key.algorithms)))
        except (jwt.PyJWTError, ValueError):
            raise Unauthorised("the token is not accepted: its signature does not verify") from None

    async def _key(self, kid: Any, algorithm: str) -> Key:
        if algorithm not in ALGORITHMS:
            raise Unauthorised(f"the token is not accepted: its alg is none of {', '.join(ALGORITHMS)}")
        key = self._keys.current().find(kid, algorithm) or (await self._keys.refresh()).find(kid, algorithm)
        if key is None:
            raise Unauthorised("the token is not accepted: no key is known for its kid and alg")
        return key

    def _check(self, claims: Claims) -> None:
        """Raises ValueError."""
        now_s = self._clock.unix_s()
        if claims.issuer != self._issuer:
            raise ValueError("its iss is not the expected issuer")
        if self._audience not in claims.audiences:
            raise ValueError("its aud does not name this registry")
        if now_s >= claims.expires_unix_s + LEEWAY_S:
            raise ValueError("it has expired")
        if claims.not_before_unix_s is not None and now_s < claims.not_before_unix_s - LEEWAY_S:
            raise ValueError("it is not valid yet")


def _caller(payload: dict[str, Any]) -> Caller:
    """Roles that are not ours are for others; without any of ours the token may do nothing."""
    named = payload.get("roles", [])
    roles = [Role(role) for role in cast("list[Any]", named) if role in list(Role)] if isinstance(named, list) else []
    return Caller(str(payload["sub"]), frozenset(roles), payload.get("person") is True)
