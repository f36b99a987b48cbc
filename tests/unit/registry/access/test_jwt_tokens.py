from __future__ import annotations

import base64
import hmac
import json
from typing import TYPE_CHECKING

import pytest

from sidecar.consent.keys import FileKeys
from sidecar.model.clock import SystemClock
from sidecar.registry.access.callers import Caller, Role, Unauthorised
from sidecar.registry.access.jwt_tokens import ALGORITHMS, JwtTokens
from tests.issuer import ISSUER, Issuer

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.clock import Clock


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


async def tokens(issuer: Issuer, folder: Path, clock: Clock | None = None) -> JwtTokens:
    used = clock or SystemClock()
    keys = FileKeys(issuer.write_jwks(folder / "jwks.json"), ALGORITHMS, used)
    await keys.load()
    return JwtTokens(keys, issuer=ISSUER, audience="registry", clock=used)


async def test_roles_and_person_are_the_tokens_claims(issuer: Issuer, tmp_path: Path) -> None:
    known = await tokens(issuer, tmp_path)
    token = issuer.token(sub="ana", aud=["registry", "other"], roles=["steward", "payroll"], person=True)
    assert await known.caller(token) == Caller("ana", frozenset({Role.STEWARD}), is_person=True)


@pytest.mark.parametrize("roles", ["admin", {"admin": True}, [["admin"]], [], None, [1]])
async def test_without_a_role_of_ours_a_token_may_do_nothing(issuer: Issuer, tmp_path: Path, roles: object) -> None:
    known = await tokens(issuer, tmp_path)
    assert await known.caller(issuer.token(sub="ana", aud="registry", roles=roles)) == Caller("ana", frozenset())


@pytest.mark.parametrize("person", ["true", 1, None])
async def test_only_true_makes_a_person(issuer: Issuer, tmp_path: Path, person: object) -> None:
    caller = await (await tokens(issuer, tmp_path)).caller(issuer.token(aud="registry", roles=[], person=person))
    assert caller is not None
    assert not caller.is_person


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"iss": "https://other.example"}, "its iss is not the expected issuer"),
        ({"aud": "credit"}, "its aud does not name this registry"),
        ({"exp": 1}, "it has expired"),
        ({"nbf": 99_999_999_999}, "it is not valid yet"),
        ({"sub": 1}, "the claim sub has a wrong type or value"),
        ({"exp": "soon"}, "the claim exp has a wrong type or value"),
    ],
)
async def test_a_claim_that_is_wrong_is_told(
    issuer: Issuer, tmp_path: Path, claims: dict[str, object], problem: str
) -> None:
    known = await tokens(issuer, tmp_path)
    token = issuer.token(**({"aud": "registry", "roles": ["admin"]} | claims))
    with pytest.raises(Unauthorised, match=problem):
        await known.caller(token)


async def test_a_signature_of_another_key_is_refused(issuer: Issuer, tmp_path: Path) -> None:
    known = await tokens(issuer, tmp_path)
    forged = Issuer().token(aud="registry", roles=["admin"])
    with pytest.raises(Unauthorised, match="its signature does not verify"):
        await known.caller(forged)


@pytest.mark.parametrize("algorithm", ["HS256", "none", "ES512", ""])
async def test_a_token_does_not_choose_another_algorithm(issuer: Issuer, tmp_path: Path, algorithm: str) -> None:
    known = await tokens(issuer, tmp_path)
    _, payload, _ = issuer.token(aud="registry", roles=["admin"]).split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "k1"}).encode()).decode().rstrip("=")
    signed = f"{head}.{payload}".encode()
    public = (tmp_path / "jwks.json").read_bytes()
    forged = base64.urlsafe_b64encode(hmac.digest(public, signed, "sha256")).decode().rstrip("=")
    with pytest.raises(Unauthorised, match="its alg is none of RS256, ES256, EdDSA"):
        await known.caller(f"{signed.decode()}.{forged}")


@pytest.mark.parametrize("token", ["mps_abc", "a.b", "a.b.c.d", "a..c", "a.b!.c"])
async def test_what_is_no_jwt_is_not_ours(issuer: Issuer, tmp_path: Path, token: str) -> None:
    assert await (await tokens(issuer, tmp_path)).caller(token) is None
