from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from sidecar.consent.jwks import ALGORITHMS, KeySet, KeySetError, parse_jwks

if TYPE_CHECKING:
    from tests.unit.consent.issuer import Issuer

DEFAULT = ("RS256", "ES256", "EdDSA")


def parse(*keys: Any, algorithms: tuple[str, ...] = DEFAULT) -> dict[str | None, frozenset[str]]:
    return {key.kid: key.algorithms for key in parse_jwks(json.dumps({"keys": keys}).encode(), algorithms)}


def problems(*keys: Any, algorithms: tuple[str, ...] = DEFAULT) -> tuple[str, ...]:
    with pytest.raises(KeySetError) as caught:
        parse(*keys, algorithms=algorithms)
    return caught.value.problems


def test_each_key_is_bound_to_the_algorithms_of_its_type_that_are_in_use(issuer: Issuer) -> None:
    assert parse(*issuer.jwks.values(), algorithms=tuple(ALGORITHMS)) == {
        "rsa": {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"},
        "ec": {"ES256"},
        "okp": {"EdDSA"},
        "oct": {"HS256"},
    }
    assert parse(issuer.jwks["rsa"], issuer.jwks["ec"]) == {"rsa": {"RS256"}, "ec": {"ES256"}}


def test_alg_narrows_a_key(issuer: Issuer) -> None:
    key = {**issuer.jwks["rsa"], "alg": "PS256"}
    assert parse(key, algorithms=("RS256", "PS256")) == {"rsa": {"PS256"}}


def test_keys_for_another_purpose_are_passed_over(issuer: Issuer) -> None:
    other = issuer.jwks["rsa"]
    assert parse(
        issuer.jwks["ec"],
        {**other, "use": "enc"},
        {**other, "key_ops": ["encrypt"]},
        {**other, "key_ops": "verify"},
        {**other, "alg": "RS512"},
        {**other, "alg": "RSA-OAEP"},
        {"kty": "AKP", "kid": "new"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"},
    ) == {"ec": {"ES256"}}


def test_use_and_key_ops_for_signatures_are_taken(issuer: Issuer) -> None:
    assert parse({**issuer.jwks["ec"], "use": "sig", "key_ops": ["sign", "verify"]}) == {"ec": {"ES256"}}


def test_all_problems_are_listed(issuer: Issuer) -> None:
    weak = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key(), as_dict=True)
    private = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    assert problems(
        weak,
        private,
        issuer.jwks["oct"],
        "key",
        {**issuer.jwks["ec"], "kid": 7},
        {**issuer.jwks["ec"], "x": "AAAA"},
        {**issuer.jwks["rsa"], "alg": "HS256"},
        issuer.jwks["okp"],
        issuer.jwks["okp"],
    ) == (
        "keys[0]: its modulus has 1024 bits, less than 2048",
        "keys[1]: it is a private key: a key set for verification holds public ones",
        "keys[2]: it is a shared secret, and HS256 is not among the algorithms",
        "keys[3]: it is not an object",
        "keys[4]: its kid is not a text",
        "keys[5]: it is not a valid EC key",
        "keys[6]: its alg does not fit its kty",
        "the kid 'okp' stands more than once",
    )


def test_a_short_secret_is_refused() -> None:
    assert problems({"kty": "oct", "k": "c2hvcnQ"}, algorithms=("HS256",)) == ("keys[0]: it has 5 bytes, less than 32",)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"{}", "it has no array `keys`"),
        (b'{"keys":{}}', "it has no array `keys`"),
        (b'{"keys":[],"keys":[]}', "a name stands twice in one object"),
        (b"<html>", "it is not JSON"),
        (b'{"keys":[]}', "it holds no signature key for any of ES256, EdDSA, RS256"),
    ],
)
def test_a_document_that_is_no_usable_key_set_is_refused(document: bytes, problem: str) -> None:
    with pytest.raises(KeySetError) as caught:
        parse_jwks(document, DEFAULT)
    assert caught.value.problems == (problem,)


def test_a_token_without_kid_gets_the_only_key_that_fits(issuer: Issuer) -> None:
    second = {**issuer.jwks["ec"], "kid": "ec2"}
    keys = KeySet(parse_jwks(issuer.set("rsa", "ec"), DEFAULT))
    two = KeySet(parse_jwks(json.dumps({"keys": [issuer.jwks["ec"], second]}).encode(), DEFAULT))
    assert keys.find(None, "ES256") is keys.keys[1]
    assert keys.find("ec", "ES256") is keys.keys[1]
    assert keys.find("ec", "RS256") is None
    assert keys.find("other", "ES256") is None
    assert keys.find(None, "EdDSA") is None
    assert two.find(None, "ES256") is None
    assert two.find("ec2", "ES256") is two.keys[1]
