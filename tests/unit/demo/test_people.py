from __future__ import annotations

import jwt
import pytest

from sidecar.demo.applications import Application
from sidecar.demo.people import AUDIENCE, ISSUER, Issuer, claims_of

PERSON = Application(12, "black", (1.0,), approved=True)
NOW_UNIX_S = 1_795_300_000.9


def test_claims_are_the_persons_own_and_for_one_call() -> None:
    assert claims_of(PERSON, 3, NOW_UNIX_S) == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "applicant-12",
        "jti": "call-3",
        "iat": 1_795_300_000,
        "exp": 1_795_303_600,
        "scope": "credit_scoring",
        "group": "black",
    }


def test_the_key_set_verifies_the_issuers_tokens_and_no_others() -> None:
    issuer = Issuer()
    (key,) = jwt.PyJWKSet.from_dict(issuer.key_set()).keys
    assert (key.key_id, key.algorithm_name) == ("demo", "ES256")
    assert jwt.decode(issuer.token({"sub": "a"}), key, algorithms=["ES256"]) == {"sub": "a"}
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(Issuer().token({"sub": "a"}), key, algorithms=["ES256"])


def test_the_key_set_holds_no_private_part() -> None:
    assert "d" not in Issuer().key_set()["keys"][0]
