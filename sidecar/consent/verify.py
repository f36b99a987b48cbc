"""Verification of consent tokens: from the values of `X-Consent-Token` to a fact for the policy.

A token's form is checked before its signature and its claims after it. The signature is PyJWT's work; what it
is lenient about (`typ`, repeated names, claims' types) is checked here, and time by the injected clock.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter, OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import jwt

from sidecar.consent.claims import Claims, parse_claims
from sidecar.consent.jwks import ALGORITHMS
from sidecar.consent.strict_json import parse_object
from sidecar.model.consent import ConsentFact, ConsentStatus

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sidecar.consent.jwks import Key
    from sidecar.consent.keys import KeySource
    from sidecar.consent.pseudonym import Pseudonyms
    from sidecar.model.clock import Clock

TOKEN_LIMIT_BYTES = 8_192
CACHE_ENTRIES = 16_384
"""About 10 MiB of facts. Only tokens with a good signature get in, so only the issuer's can push others out;
a bad token is never remembered: nobody needs to send the same one twice to cost us a check."""

_FORM = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES = (None, "jwt", "at+jwt")
_JWS = jwt.PyJWS(algorithms=sorted(ALGORITHMS))
_VERIFIERS = {name: _JWS.get_algorithm_by_name(name) for name in ALGORITHMS}

MISSING = ConsentFact(ConsentStatus.MISSING)
OFF = ConsentFact(ConsentStatus.OFF)
EXPIRED = ConsentFact(ConsentStatus.EXPIRED, detail="the token has expired")


class ConsentOff:
    """`--consent off`."""

    async def verify(self, tokens: Sequence[bytes]) -> ConsentFact:
        """The status `off`, whatever was sent."""
        return OFF


@dataclass(frozen=True, slots=True)
class Expectations:
    """What a token must satisfy. `leeway_s` is granted once, on either side, for clocks that differ."""

    issuer: str
    audience: str
    leeway_s: float = 30.0
    algorithms: Collection[str] = ("RS256", "ES256", "EdDSA")

    def __post_init__(self) -> None:
        unknown = sorted(set(self.algorithms) - ALGORITHMS)
        if unknown or not self.algorithms:
            raise ValueError(f"consent algorithms are some of {', '.join(sorted(ALGORITHMS))}; not {unknown}")
        if not self.issuer or not self.audience or self.leeway_s < 0:
            raise ValueError("consent needs an issuer, an audience and a leeway of 0 s or more")


class _Rejected(Exception):
    """Why a token is not accepted; the text is for operators and never quotes the token."""


@dataclass(frozen=True, slots=True)
class _Verified:
    """A fact, and when it holds: from `starts_unix_s` until before `ends_unix_s`, leeway included."""

    fact: ConsentFact
    starts_unix_s: float
    ends_unix_s: float


class ConsentVerifier:
    """Verifies tokens against a key source; remembers those that it verified, until their keys change.

    `results_total` counts the facts by status, `cache_hits_total` those that came from memory.
    """

    def __init__(self, keys: KeySource, expected: Expectations, pseudonyms: Pseudonyms, clock: Clock) -> None:
        self._keys = keys
        self._expected = expected
        self._algorithms = frozenset(expected.algorithms)
        self._pseudonyms = pseudonyms
        self._clock = clock
        self._cache: OrderedDict[bytes, _Verified] = OrderedDict()
        self._cache_revision = -1
        self.results_total: Counter[ConsentStatus] = Counter()
        self.cache_hits_total = 0

    @property
    def key_refreshes_total(self) -> int:
        """How often the key set was read."""
        return self._keys.refreshes_total

    @property
    def key_failures_total(self) -> int:
        """How often reading it failed; the old keys stay then."""
        return self._keys.failures_total

    async def verify(self, tokens: Sequence[bytes]) -> ConsentFact:
        """The fact of one request. `tokens`: the values of all `X-Consent-Token` headers."""
        try:
            fact = self._at_now(await self._verified(_only(tokens))) if tokens else MISSING
        except _Rejected as rejected:
            fact = ConsentFact(ConsentStatus.INVALID, detail=str(rejected))
        self.results_total[fact.status] += 1
        return fact

    async def _verified(self, token: bytes) -> _Verified:
        name = hashlib.sha256(token).digest()
        revision = self._keys.current().revision
        if revision != self._cache_revision:
            self._cache.clear()
            self._cache_revision = revision
        known = self._cache.get(name)
        if known is not None:
            self._cache.move_to_end(name)
            self.cache_hits_total += 1
            return known
        verified = await self._check(token)
        if self._keys.current().revision == self._cache_revision:
            self._remember(name, verified)
        return verified

    def _remember(self, name: bytes, verified: _Verified) -> None:
        self._cache[name] = verified
        if len(self._cache) > CACHE_ENTRIES:
            self._cache.popitem(last=False)

    def _at_now(self, verified: _Verified) -> ConsentFact:
        now_s = self._clock.unix_s()
        if now_s < verified.starts_unix_s:
            raise _Rejected("the token is not valid yet (nbf or iat lies in the future)")
        return verified.fact if now_s < verified.ends_unix_s else EXPIRED

    async def _check(self, token: bytes) -> _Verified:
        """Everything but the time, which is judged at each use."""
        header = _header(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            raise _Rejected("its alg is not among the accepted algorithms")
        key = await self._key(header.get("kid"), algorithm)
        claims = _claims(token, key, algorithm)
        if claims.issuer != self._expected.issuer:
            raise _Rejected("its iss is not the expected issuer")
        if self._expected.audience not in claims.audiences:
            raise _Rejected("its aud does not name the expected audience")
        return self._as_verified(claims)

    async def _key(self, kid: str | None, algorithm: str) -> Key:
        key = self._keys.current().find(kid, algorithm) or (await self._keys.refresh()).find(kid, algorithm)
        if key is None:
            raise _Rejected("no key is known for its kid and alg")
        return key

    def _as_verified(self, claims: Claims) -> _Verified:
        leeway_s = self._expected.leeway_s
        fact = ConsentFact(
            status=ConsentStatus.VALID,
            issuer=self._expected.issuer,  # the same text, held once
            subject=self._pseudonyms.subject(claims.issuer, claims.subject),
            token_id=self._pseudonyms.token_id(claims.issuer, claims.token_id) if claims.token_id else None,
            scopes=_held_once(claims.scopes),
            expires_unix_s=claims.expires_unix_s,
            data_version=claims.data_version,
            groups=None if claims.groups is None else _held_once(claims.groups),
        )
        starts = (claims.not_before_unix_s, claims.issued_unix_s)
        starts_unix_s = max((start for start in starts if start is not None), default=float("-inf"))
        return _Verified(fact, starts_unix_s - leeway_s, claims.expires_unix_s + leeway_s)


@lru_cache(maxsize=256)  # an issuer grants the same few scopes all the time
def _held_once(texts: tuple[str, ...]) -> tuple[str, ...]:
    return texts


def _only(tokens: Sequence[bytes]) -> bytes:
    """The one token, its size bounded before anything is read in it."""
    if len(tokens) > 1 or b"," in tokens[0][: TOKEN_LIMIT_BYTES + 1]:
        raise _Rejected("there is more than one token")
    if len(tokens[0]) > TOKEN_LIMIT_BYTES:
        raise _Rejected(f"it is over {TOKEN_LIMIT_BYTES} bytes")
    return tokens[0]


def _header(token: bytes) -> dict[str, Any]:
    """The JOSE header, before the signature: without `=`, other `typ`s, `crit`."""
    if _FORM.fullmatch(token) is None:
        raise _Rejected("it is not three base64url parts (RFC 7515, section 7.1)")
    part = token.partition(b".")[0]
    try:
        header = parse_object(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except ValueError as error:
        raise _Rejected(f"its header: {error}") from None
    kind = header.get("typ")
    if (kind.lower() if isinstance(kind, str) else kind) not in _TYPES:
        raise _Rejected("its typ is neither JWT nor at+jwt")
    if not isinstance(header.get("kid", ""), str):  # null too: who says a kid names a key
        raise _Rejected("its kid is not a text")
    if "crit" in header or "b64" in header:
        # RFC 7515, section 4.1.11: what is critical and not understood must be refused. We understand none.
        raise _Rejected("its header has a critical extension")
    return header


def _canonical(part: bytes) -> bytes:
    """What base64url says; ValueError unless it is in its only spelling, where bits without meaning are zero.

    (RFC 4648, section 3.5.)
    """
    data = base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=") != part:
        raise ValueError("it is not canonical")
    return data


def _signed(token: bytes, key: Key, algorithm: str) -> bytes | None:
    """The payload; None unless its signature verifies. PyJWT's own reading of the parts takes twice as long as that."""
    try:
        _, payload, signature = map(_canonical, token.split(b"."))
    except ValueError:
        return None
    is_good = _VERIFIERS[algorithm].verify(token.rpartition(b".")[0], key.material, signature)
    return payload if is_good else None


def _claims(token: bytes, key: Key, algorithm: str) -> Claims:
    payload = _signed(token, key, algorithm)
    if payload is None:
        raise _Rejected("its signature does not verify, or its base64url is not canonical")
    try:
        return parse_claims(parse_object(payload))
    except ValueError as error:
        raise _Rejected(f"its payload: {error}") from None
