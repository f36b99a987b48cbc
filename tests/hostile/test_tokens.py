"""Consent tokens that are none: each is sent with an otherwise good request."""

from __future__ import annotations

import base64
import hmac
import json
import re
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.hostile.case import BODY, TOKEN, Case, Fate, declined, passed, request
from tests.issuer import AUDIENCE, ISSUER

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.hostile.rig import Rig
    from tests.issuer import Issuer

    Forge = Callable[[Issuer], str | bytes]

ABSENT = object()
TWICE = b'{"alg":"none","alg":"ES256","kid":"k1"}'


def claims(**changes: object) -> dict[str, object]:
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "person-1",
        "jti": "token-1",
        "scope": "credit_scoring",
        "exp": int(time.time() + 3_600),
    }
    return {name: value for name, value in (good | changes).items() if value is not ABSENT}


def b64(data: object) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(issuer: Issuer, payload: object, key: Any = None, **header: object) -> str:
    """ES256 over any payload, valid JSON or not; `header` adds to a good one."""
    whole = {"alg": "ES256", "typ": "JWT", "kid": "k1"} | header
    head = {name: value for name, value in whole.items() if value is not ABSENT}
    text = f"{b64(head)}.{b64(payload)}"
    algorithm = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    return f"{text}.{b64(algorithm.sign(text.encode(), key or issuer._key))}"


def said(**changes: object) -> Forge:
    """Signed by the issuer, with other claims."""
    return lambda issuer: signed(issuer, claims(**changes))


def headed(**header: object) -> Forge:
    """Signed by the issuer, with another header."""
    return lambda issuer: signed(issuer, claims(), **header)


def written(payload: Callable[[bytes], bytes]) -> Forge:
    """Signed by the issuer over a payload that is written in an odd way."""
    return lambda issuer: signed(issuer, payload(json.dumps(claims()).encode()))


def turned(change: Callable[[str], str]) -> Forge:
    """A good token, changed in transit."""
    return lambda issuer: change(signed(issuer, claims()))


def unsigned(alg: str) -> Forge:
    return lambda issuer: f"{b64({'alg': alg, 'typ': 'JWT', 'kid': 'k1'})}.{b64(claims())}."


def hmac_of(secret: Callable[[Issuer], bytes]) -> Forge:
    """HS256, with something public as the secret."""

    def forge(issuer: Issuer) -> str:
        text = f"{b64({'alg': 'HS256', 'typ': 'JWT', 'kid': 'k1'})}.{b64(claims())}"
        return f"{text}.{b64(hmac.digest(secret(issuer), text.encode(), 'sha256'))}"

    return forge


def public_pem(issuer: Issuer) -> bytes:
    return issuer._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def stranger(**header: object) -> Forge:
    """Signed by a key that nobody published, but for the token itself."""
    return lambda issuer: signed(issuer, claims(), ec.generate_private_key(ec.SECP256R1()), **header)


def doubled(name: str, first: object) -> Forge:
    return written(lambda text: b"{" + json.dumps(name).encode() + b":" + json.dumps(first).encode() + b"," + text[1:])


INVALID: dict[str, Forge] = {
    # Signature
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg nOnE": unsigned("nOnE"),
    "alg empty": unsigned(""),
    "alg a list": headed(alg=["ES256"]),
    "alg absent": headed(alg=ABSENT),
    "alg ES384": headed(alg="ES384"),
    "alg RS256": headed(alg="RS256"),
    "alg in lower case": headed(alg="es256"),
    "HS256 with the public key": hmac_of(public_pem),
    "HS256 with nothing": hmac_of(lambda _: b""),
    "HS256 with the key id": hmac_of(lambda _: b"k1"),
    "signed by a stranger": stranger(),
    "signed by a stranger, key within": stranger(jwk={"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
    "signed by a stranger, jku": stranger(jku="http://127.0.0.1:1/keys"),
    "signed by a stranger, x5u": stranger(x5u="file:///etc/passwd"),
    "signature cut": turned(lambda token: token[:-4]),
    "signature empty": turned(lambda token: token.rpartition(".")[0] + "."),
    "signature of zeros": turned(lambda token: token.rpartition(".")[0] + "." + b64(bytes(64))),
    "signature changed": turned(lambda token: token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]),
    "payload of another": turned(lambda token: re.sub(r"\..*\.", f".{b64(claims(sub='x'))}.", token)),
    # Header
    "crit unknown": headed(crit=["x"], x=1),
    "crit empty": headed(crit=[]),
    "crit exp": headed(crit=["exp"]),
    "b64 false": headed(b64=False, crit=["b64"]),
    "kid unknown": headed(kid="k2"),
    "kid a path": headed(kid="../../../../dev/null"),
    "kid a query": headed(kid="k1' or '1'='1"),
    "kid a number": headed(kid=1),
    "kid null": headed(kid=None),
    "typ logout": headed(typ="logout+jwt"),
    "typ dpop": headed(typ="dpop+jwt"),
    "typ a number": headed(typ=1),
    "header no object": lambda issuer: f"{b64([1])}.{b64(claims())}.{b64(bytes(64))}",
    "header no JSON": lambda issuer: f"{b64(b'{')}.{b64(claims())}.{b64(bytes(64))}",
    "header with a key twice": lambda issuer: f"{b64(TWICE)}.{b64(claims())}.{b64(bytes(64))}",
    # Claims
    "no exp": said(exp=ABSENT),
    "no iss": said(iss=ABSENT),
    "no aud": said(aud=ABSENT),
    "no sub": said(sub=ABSENT),
    "sub empty": said(sub=""),
    "sub a number": said(sub=1),
    "iss another": said(iss="https://other.example"),
    "iss with a slash": said(iss=ISSUER + "/"),
    "iss in capitals": said(iss=ISSUER.upper()),
    "iss a list": said(iss=[ISSUER]),
    "aud another": said(aud="other"),
    "aud a prefix": said(aud=AUDIENCE + "x"),
    "aud empty": said(aud=[]),
    "aud null": said(aud=None),
    "exp past": said(exp=int(time.time()) - 3_600),
    "exp a string": said(exp="99999999999"),
    "exp true": said(exp=True),
    "exp null": said(exp=None),
    "exp a list": said(exp=[9_999_999_999]),
    "exp beyond floats": written(lambda text: text.replace(b'"exp": ', b'"exp": 1e999, "x": ')),
    "exp NaN": written(lambda text: text.replace(b'"exp": ', b'"exp": NaN, "x": ')),
    "nbf to come": said(nbf=int(time.time()) + 3_600),
    "nbf a string": said(nbf="0"),
    "iat a string": said(iat="0"),
    "scope a number": said(scope=1),
    "scope an object": said(scope={"credit_scoring": True}),
    "scope a list of lists": said(scope=[["credit_scoring"]]),
    "scope twice": doubled("scope", "marketing"),
    "sub twice": doubled("sub", "somebody"),
    "exp twice": doubled("exp", 1),
    "exp twice, escaped": written(lambda text: b'{"\\u0065xp":1,' + text[1:]),
    # Encodings
    "payload in UTF-16": written(lambda text: text.decode().encode("utf-16")),
    "payload with a byte order mark": written(lambda text: b"\xef\xbb\xbf" + text),
    "payload with data behind": written(lambda text: text + b"x"),
    "payload no object": written(lambda _: b"[]"),
    "payload empty": written(lambda _: b""),
    "payload of depth 1,000": written(lambda text: b'{"x":' + b"[" * 1_000 + b"]" * 1_000 + b"," + text[1:]),
    "padding": turned(lambda token: token + "="),
    "padding of the header": turned(lambda token: token.replace(".", "=.", 1)),
    "four parts": turned(lambda token: token + ".x"),
    "five parts": turned(lambda token: token + ".x.y"),
    "two parts": turned(lambda token: token.rpartition(".")[0]),
    "one part": lambda _: "x",
    "dots": lambda _: "..",
    "only spaces": lambda _: "   ",
    "a space within": turned(lambda token: token[:30] + " " + token[30:]),
    "a tab within": turned(lambda token: token[:30] + "\t" + token[30:]),
    "a comma": turned(lambda token: f"{token},{token}"),
    "Bearer": turned(lambda token: "Bearer " + token),
    "quoted": turned(lambda token: f'"{token}"'),
    "7 KB of A": lambda _: "A" * 7_000,
    "7 KB of dots": lambda _: "." * 7_000,
    "a JSON Web Token of JSON": lambda _: json.dumps({"protected": "x", "payload": "y", "signature": "z"}),
}
FORBIDDEN: dict[str, Forge] = {
    "scope another": said(scope="marketing"),
    "scope with a suffix": said(scope="credit_scoringx"),
    "scope with a prefix": said(scope="xcredit_scoring"),
    "scope in capitals": said(scope="CREDIT_SCORING"),
    "scope listed by commas": said(scope="credit_scoring,x"),
    "scope with a no-break space": said(scope="x\u00a0credit_scoring"),
    "scope in a pattern": said(scope="credit_*"),
    "scope empty": said(scope=""),
    "scope empty list": said(scope=[]),
    "scope list with spaces within": said(scope=["credit_scoring x"]),
    "another data version": said(data_version="stale"),
}
GOOD: dict[str, Forge] = {
    "as it should be": said(),
    "scope a list": said(scope=["x", "credit_scoring"]),
    "scope of three": said(scope="a credit_scoring b"),
    "aud a list": said(aud=["other", AUDIENCE]),
    "typ at+jwt": headed(typ="at+jwt"),
    "typ absent": headed(typ=ABSENT),
    "the data version": said(data_version="fresh"),
}
CASES = [
    *((name, forge, (401, 400)) for name, forge in INVALID.items()),
    *((name, forge, (403, 401)) for name, forge in FORBIDDEN.items()),
]


def with_token(rig: Rig, forge: Forge) -> bytes:
    token = forge(rig.sidecar.issuer)
    return request().replace(TOKEN, token if isinstance(token, bytes) else token.encode())


@pytest.mark.parametrize(("name", "forge", "statuses"), CASES, ids=[case[0] for case in CASES])
def test_refused(rig: Rig, name: str, forge: Forge, statuses: tuple[int, ...]) -> None:
    rig.run(declined(name, with_token(rig, forge), *statuses))


@pytest.mark.parametrize("name", GOOD)
def test_taken(rig: Rig, name: str) -> None:
    rig.run(passed(name, with_token(rig, GOOD[name])))


def test_a_token_is_for_one_instance(rig: Rig) -> None:
    two = BODY.replace(b"[1]", b"[2]").replace(b"[50.0]", b"[50.0,60.0]")
    rig.run(Case("two instances", request(body=two), ((403,),), Fate.KEPT))


def test_a_token_is_nowhere_in_what_is_kept(rig: Rig) -> None:
    """Neither in the log, nor on record, nor at the model server: not even its signature."""
    rig.run(passed("for the record", request()))
    signature = rig.token.rpartition(b".")[2]
    kept = [path.read_bytes() for path in (rig.sidecar.folder / "audit").rglob("*") if path.is_file()]
    kept += [rig.sidecar.log.encode(), *(arrival.raw + arrival.body for arrival in rig.upstream.arrivals)]
    assert len(kept) > 3
    assert not any(signature in each for each in kept)
