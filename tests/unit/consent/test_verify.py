from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.consent import verify
from sidecar.consent.keys import UrlKeys
from sidecar.consent.pseudonym import Pseudonyms
from sidecar.consent.verify import ConsentOff, ConsentVerifier, Expectations
from sidecar.model.consent import ConsentFact, ConsentStatus
from tests.support import FixedClock
from tests.unit.consent.issuer import AUDIENCE, ISSUER, NOW_S, b64, good_claims

if TYPE_CHECKING:
    from tests.unit.consent.issuer import Issuer

PSEUDONYMS = Pseudonyms(bytes(32))
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
VALID = ConsentFact(
    ConsentStatus.VALID,
    issuer=ISSUER,
    subject=PSEUDONYMS.subject(ISSUER, "person-1"),
    token_id=PSEUDONYMS.token_id(ISSUER, "token-1"),
    scopes=("credit_scoring", "marketing"),
    expires_unix_s=NOW_S + 3_600.0,
)


class Bench:
    """A verifier over a key set that can change, with a clock that can be set."""

    def __init__(self, issuer: Issuer, algorithms: tuple[str, ...] = ALGORITHMS) -> None:
        self.clock = FixedClock(NOW_S)
        self.document = issuer.set("rsa", "ec", "okp", *(["oct"] if "HS256" in algorithms else []))
        self.fetches = 0
        self.keys = UrlKeys(self._fetch, algorithms, self.clock)
        expected = Expectations(ISSUER, AUDIENCE, 30.0, algorithms)
        self.verifier = ConsentVerifier(self.keys, expected, PSEUDONYMS, self.clock)

    def _fetch(self) -> bytes:
        self.fetches += 1
        return self.document

    async def verify(self, *tokens: bytes) -> ConsentFact:
        return await self.verifier.verify(tokens)

    async def detail(self, *tokens: bytes) -> str:
        """Why a token is invalid; that, and nothing else, may be in the fact."""
        fact = await self.verify(*tokens)
        assert fact == ConsentFact(ConsentStatus.INVALID, detail=fact.detail)
        return fact.detail or ""


@pytest.fixture
def bench(issuer: Issuer) -> Bench:
    return Bench(issuer)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA", "HS256"])
async def test_a_good_token_of_each_algorithm_is_valid(issuer: Issuer, algorithm: str) -> None:
    bench = Bench(issuer, (*ALGORITHMS, "HS256"))
    assert await bench.verify(issuer.token(algorithm)) == VALID


async def test_optional_claims_reach_the_fact(issuer: Issuer, bench: Bench) -> None:
    token = issuer.token(without=("jti", "iat"), scope=["a"], group=["x", 3], data_version="d-1", nbf=NOW_S)
    assert await bench.verify(token) == ConsentFact(
        ConsentStatus.VALID,
        issuer=ISSUER,
        subject=VALID.subject,
        token_id=None,
        scopes=("a",),
        expires_unix_s=NOW_S + 3_600.0,
        data_version="d-1",
        groups=("x", "3"),
    )


async def test_no_token_is_missing_and_off_is_off(issuer: Issuer, bench: Bench) -> None:
    assert await bench.verify() == ConsentFact(ConsentStatus.MISSING)
    assert await ConsentOff().verify([issuer.token()]) == ConsentFact(ConsentStatus.OFF)


async def test_more_than_one_token_is_invalid(issuer: Issuer, bench: Bench) -> None:
    token = issuer.token()
    assert await bench.detail(token, token) == "there is more than one token"
    assert await bench.detail(token + b"," + token) == "there is more than one token"


async def test_a_megabyte_is_refused_before_it_is_parsed(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_FORM", None)
    assert await bench.detail(b"a" * (1 << 20)) == "it is over 8192 bytes"
    assert await bench.detail(b"a" * 8_193) == "it is over 8192 bytes"


async def test_the_largest_token_is_read_and_a_larger_one_is_not(issuer: Issuer, bench: Bench) -> None:
    largest, larger = (issuer.token("EdDSA", pad="x" * size) for size in (5_846, 5_847))
    assert (len(largest), len(larger)) == (8_191, 8_193)  # no base64url has the length in between
    assert await bench.verify(largest) == VALID
    assert await bench.detail(larger) == "it is over 8192 bytes"


@pytest.mark.parametrize(
    "token", [b"", b"a", b"a.b", b"a.b.c.d", b"a..c", b"..", b"a.b.", b"Bearer a.b.c", b"a.b.c=", b"\xff.b.c"]
)
async def test_what_has_not_the_form_of_a_token_is_invalid(bench: Bench, token: bytes) -> None:
    assert await bench.detail(token) == "it is not three base64url parts (RFC 7515, section 7.1)"


@pytest.mark.parametrize(
    ("headers", "detail"),
    [
        ({"alg": "none"}, "its alg is not among the accepted algorithms"),
        ({"alg": "HS256"}, "its alg is not among the accepted algorithms"),
        ({"alg": None}, "its alg is not among the accepted algorithms"),
        ({"alg": ["ES256"]}, "its alg is not among the accepted algorithms"),
        ({"alg": "es256"}, "its alg is not among the accepted algorithms"),
        ({"alg": "RS256"}, "no key is known for its kid and alg"),
        ({"kid": "other"}, "no key is known for its kid and alg"),
        ({"kid": "rsa"}, "no key is known for its kid and alg"),
        ({"kid": 7}, "its kid is not a text"),
        ({"typ": "logout+jwt"}, "its typ is neither JWT nor at+jwt"),
        ({"typ": ["JWT"]}, "its typ is neither JWT nor at+jwt"),
        ({"typ": ""}, "its typ is neither JWT nor at+jwt"),
        ({"crit": ["exp"], "exp": 1}, "its header has a critical extension"),
        ({"crit": []}, "its header has a critical extension"),
        ({"b64": True}, "its header has a critical extension"),
    ],
)
async def test_a_header_that_is_not_ours_is_invalid(
    issuer: Issuer, bench: Bench, headers: dict[str, Any], detail: str
) -> None:
    assert await bench.detail(issuer.token(headers=headers)) == detail


@pytest.mark.parametrize("kind", [None, "JWT", "jwt", "at+jwt", "AT+JWT"])
async def test_the_types_of_the_contract_are_taken(issuer: Issuer, bench: Bench, kind: str | None) -> None:
    assert await bench.verify(issuer.token(headers={"typ": kind})) == VALID


async def test_a_repeated_name_in_the_header_is_invalid(issuer: Issuer, bench: Bench) -> None:
    _, payload, signature = issuer.token().split(b".")
    header = b64(b'{"alg":"none","alg":"ES256","kid":"ec"}').encode()
    assert await bench.detail(b".".join((header, payload, signature))) == (
        "its header: a name stands twice in one object"
    )


async def test_a_kid_that_is_null_is_invalid(issuer: Issuer, bench: Bench) -> None:
    _, payload, signature = issuer.token().split(b".")
    header = b64(b'{"alg":"ES256","kid":null}').encode()
    assert await bench.detail(b".".join((header, payload, signature))) == "its kid is not a text"


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_base64url_in_another_spelling_is_invalid(issuer: Issuer, bench: Bench, part: int) -> None:
    """Bits behind the last byte are zero: else one token would have several texts."""
    parts = next(parts for n in range(100) if len((parts := issuer.token(jti="x" * n).split(b"."))[part]) % 4 in (2, 3))
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    last = alphabet.index(parts[part][-1:])
    parts[part] = parts[part][:-1] + alphabet[last + 1 : last + 2]
    assert await bench.detail(b".".join(parts)) == "its signature does not verify, or its base64url is not canonical"


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
async def test_an_rsa_public_key_is_no_hmac_secret(issuer: Issuer, encoding: serialization.Encoding) -> None:
    bench = Bench(issuer, (*ALGORITHMS, "HS256"))
    public = issuer.rsa.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    import hashlib
    import hmac

    for kid in ("rsa", None):
        header = {"alg": "HS256"} if kid is None else {"alg": "HS256", "kid": kid}
        signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(good_claims()).encode())}".encode()
        token = signed + b"." + b64(hmac.digest(public, signed, hashlib.sha256)).encode()
        assert await bench.detail(token) in (
            "no key is known for its kid and alg",
            "its signature does not verify, or its base64url is not canonical",
        )


async def test_a_token_without_kid_needs_a_key_set_that_leaves_no_choice(issuer: Issuer, bench: Bench) -> None:
    assert await bench.verify(issuer.token(headers={"kid": None})) == VALID
    second = {**issuer.jwks["ec"], "kid": "ec2"}
    bench.document = json.dumps({"keys": [issuer.jwks["ec"], second]}).encode()
    bench.clock.advance(60)
    await bench.keys.refresh()
    assert await bench.detail(issuer.token(headers={"kid": None})) == "no key is known for its kid and alg"


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "sub"])
async def test_a_required_claim_must_be_there(issuer: Issuer, bench: Bench, name: str) -> None:
    assert await bench.detail(issuer.token(without=(name,))) == f"its payload: the claim {name} is missing"


@pytest.mark.parametrize(
    ("claims", "detail"),
    [
        ({"iss": ISSUER + "/"}, "its iss is not the expected issuer"),
        ({"iss": ISSUER.upper()}, "its iss is not the expected issuer"),
        ({"aud": "other"}, "its aud does not name the expected audience"),
        ({"aud": ["other", AUDIENCE + "x"]}, "its aud does not name the expected audience"),
        ({"aud": []}, "its aud does not name the expected audience"),
        ({"exp": str(NOW_S + 60)}, "its payload: the claim exp has a wrong type or value"),
        ({"exp": True}, "its payload: the claim exp has a wrong type or value"),
        ({"sub": ""}, "its payload: the claim sub has a wrong type or value"),
        ({"scope": {"a": 1}}, "its payload: the claim scope has a wrong type or value"),
        ({"nbf": NOW_S + 31}, "the token is not valid yet (nbf or iat lies in the future)"),
        ({"iat": NOW_S + 31}, "the token is not valid yet (nbf or iat lies in the future)"),
    ],
)
async def test_a_claim_that_does_not_hold_is_invalid(
    issuer: Issuer, bench: Bench, claims: dict[str, Any], detail: str
) -> None:
    assert await bench.detail(issuer.token(**claims)) == detail


async def test_our_audience_may_be_one_of_several(issuer: Issuer, bench: Bench) -> None:
    assert await bench.verify(issuer.token(aud=["other", AUDIENCE])) == VALID


@pytest.mark.parametrize(
    ("payload", "detail"),
    [
        (json.dumps(good_claims()).encode("utf-16"), "its payload: it is not JSON"),
        (json.dumps(good_claims()).encode("utf-8-sig"), "its payload: it is not JSON"),
        (
            b'{"sub":"a",' + json.dumps(good_claims()).encode()[1:],
            "its payload: a name stands twice in one object",
        ),
        (
            b'{"exp":Infinity,' + json.dumps(good_claims(), sort_keys=True).encode()[1:],
            "its payload: it is not JSON",
        ),
        (b"[]", "its payload: it is not a JSON object"),
        (b"x", "its payload: it is not JSON"),
    ],
)
async def test_a_signed_payload_that_is_not_strict_json_is_invalid(
    issuer: Issuer, bench: Bench, payload: bytes, detail: str
) -> None:
    assert await bench.detail(issuer.sign(payload, "ES256", issuer.ec, {"kid": "ec"})) == detail


async def test_leeway_is_granted_once_at_either_end(issuer: Issuer, bench: Bench) -> None:
    token = issuer.token(exp=NOW_S + 100, nbf=NOW_S + 30)
    fact = await bench.verify(token)
    assert fact.status is ConsentStatus.VALID
    bench.clock.advance(129.5)
    assert await bench.verify(token) == fact
    bench.clock.advance(0.5)
    assert await bench.verify(token) == verify.EXPIRED
    assert await Bench(issuer).verify(issuer.token(exp=NOW_S - 30)) == verify.EXPIRED
    assert (await Bench(issuer).verify(issuer.token(exp=NOW_S - 29))).status is ConsentStatus.VALID


async def test_expired_is_said_only_of_what_is_good_otherwise(issuer: Issuer, bench: Bench) -> None:
    assert await bench.detail(issuer.token(exp=1, aud="other")) == "its aud does not name the expected audience"
    forged = issuer.token(exp=1)[:-8] + b"AAAAAAAA"
    assert (await bench.detail(forged)).startswith("its signature does not verify")


async def test_a_verified_token_is_remembered_and_a_bad_one_is_not(
    issuer: Issuer, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.keys.load()
    good, bad = issuer.token(), issuer.token(aud="other")
    for token in (good, bad) * 3:
        await bench.verify(token)
    assert bench.verifier.cache_hits_total == 2
    assert bench.verifier.results_total == {ConsentStatus.VALID: 3, ConsentStatus.INVALID: 3}
    monkeypatch.setattr(verify, "CACHE_ENTRIES", 2)
    others = [issuer.token(jti=str(number)) for number in range(2)]
    for token in (others[0], good, others[1], good, others[0]):
        await bench.verify(token)
    assert bench.verifier.cache_hits_total == 4  # good twice: others[0] was the one pushed out


async def test_a_withdrawn_key_ends_its_tokens_though_they_are_remembered(issuer: Issuer, bench: Bench) -> None:
    token = issuer.token("EdDSA")
    assert await bench.verify(token) == VALID
    bench.document = issuer.set("ec")
    bench.clock.advance(30)
    await bench.keys.refresh()
    assert await bench.detail(token) == "no key is known for its kid and alg"


async def test_a_new_key_is_found_at_its_first_token(issuer: Issuer, bench: Bench) -> None:
    full, bench.document = bench.document, issuer.set("ec")
    assert await bench.detail(issuer.token("RS256")) == "no key is known for its kid and alg"
    bench.document = full
    bench.clock.advance(30)
    assert await bench.verify(issuer.token("RS256")) == VALID


async def test_random_kids_cost_one_fetch_an_interval(issuer: Issuer, bench: Bench) -> None:
    await bench.verify(issuer.token())
    bench.clock.advance(30)
    header, payload, signature = issuer.token().split(b".")
    for number in range(10_000):
        header = b64(b'{"alg":"ES256","kid":"%d"}' % number).encode()
        assert (await bench.verify(b".".join((header, payload, signature)))).status is ConsentStatus.INVALID
    assert (bench.fetches, bench.verifier.key_refreshes_total, bench.verifier.key_failures_total) == (2, 2, 0)


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
async def test_no_single_byte_can_be_other_than_it_is(issuer: Issuer, algorithm: str) -> None:
    """Every place, a few bytes each: also the last digit of a part, whose unused bits base64 would ignore."""
    bench = Bench(issuer)
    token = issuer.token(algorithm)
    assert await bench.verify(token) == VALID
    for place in range(len(token)):
        for byte in {token[place] ^ 1, token[place] + 1, ord("A"), ord("="), ord(".")} - {token[place]}:
            mutant = token[:place] + bytes([byte]) + token[place + 1 :]
            assert (await bench.verify(mutant)).status is ConsentStatus.INVALID, (place, byte)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    place=st.integers(0, 10_000),
    insert=st.text(alphabet=string.ascii_letters + string.digits + "-_.=", max_size=4),
    drop=st.integers(0, 4),
)
async def test_no_edit_of_a_token_is_valid(issuer: Issuer, place: int, insert: str, drop: int) -> None:
    bench = Bench(issuer)
    token = issuer.token()
    place %= len(token) + 1
    edited = token[:place] + insert.encode() + token[place + drop :]
    assert (await bench.verify(edited) == VALID) is (edited == token)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=64), max_size=3))
async def test_no_bytes_raise(issuer: Issuer, tokens: list[bytes]) -> None:
    expected = ConsentStatus.INVALID if tokens else ConsentStatus.MISSING
    assert (await Bench(issuer).verify(*tokens)).status is expected


@pytest.mark.parametrize(
    "arguments",
    [
        {"algorithms": ("none",)},
        {"algorithms": ()},
        {"algorithms": ("RS256", "HS512")},
        {"issuer": ""},
        {"audience": ""},
        {"leeway_s": -1.0},
    ],
)
def test_expectations_that_would_accept_anything_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="consent"):
        Expectations(**{"issuer": ISSUER, "audience": AUDIENCE, **arguments})
