from __future__ import annotations

import pytest

from sidecar.registry.access.callers import ANYBODY, RIGHTS, Access, Caller, Right, Role, Unauthorised
from sidecar.registry.values import NotAllowed

ANA = Caller("ana", frozenset({Role.STEWARD}), is_person=True)


class Known:
    """Knows one token."""

    def __init__(self, token: str, caller: Caller) -> None:
        self._token = token
        self._caller = caller

    async def caller(self, token: str) -> Caller | None:
        return self._caller if token == self._token else None


def test_what_each_role_may() -> None:
    reads = {Right.BUNDLES, Right.READ}
    assert {role: set(rights) for role, rights in RIGHTS.items()} == {
        Role.ENGINE: {Right.BUNDLES},
        Role.READER: reads,
        Role.STEWARD: reads | {Right.DATA},
        Role.ENGINEER: reads | {Right.RULES},
        Role.ADMIN: reads | {Right.DATA, Right.RULES},
    }


def test_roles_add_up() -> None:
    both = Caller("bo", frozenset({Role.ENGINE, Role.ENGINEER}))
    both.require(Right.RULES)
    with pytest.raises(NotAllowed, match="bo may not change data sets"):
        both.require(Right.DATA)


async def test_the_first_who_knows_a_token_says_whose_it_is() -> None:
    access = Access([Known("a", ANA), Known("b", ANYBODY)])
    assert await access.admit(["Bearer a"], {Right.DATA}) == ANA
    assert await access.admit(["bearer b"], {Right.READ}) == ANYBODY


@pytest.mark.parametrize(
    "authorizations",
    [
        *([], ["Bearer"], ["Bearer "], ["Bearer x"], ["Basic a"], ["a"], ["Bearer a b"], ["Bearer  a"]),
        *(["Bearer a", "Bearer a"], ["Bearer " + "a" * 8_193]),
    ],
)
async def test_anything_else_is_nobody(authorizations: list[str]) -> None:
    with pytest.raises(Unauthorised):
        await Access([Known("a", ANA)]).admit(authorizations, {Right.READ})


@pytest.mark.parametrize("right", Right)
async def test_open_reads_let_anybody_read_and_nothing_else(right: Right) -> None:
    access = Access([], open_reads=True)
    if right in (Right.READ, Right.BUNDLES):
        assert await access.admit([], {right}) == ANYBODY
    else:
        with pytest.raises(Unauthorised):
            await access.admit([], {right})


async def test_a_bad_token_is_refused_where_none_is_needed() -> None:
    with pytest.raises(Unauthorised):
        await Access([], open_reads=True).admit(["Bearer x"], {Right.READ})


async def test_a_token_is_in_no_message() -> None:
    with pytest.raises(Unauthorised) as refused:
        await Access([]).admit(["Bearer secret"], {Right.READ})
    assert "secret" not in str(refused.value)
