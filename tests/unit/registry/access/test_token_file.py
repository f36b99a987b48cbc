from __future__ import annotations

import hashlib
import json
from hmac import compare_digest
from typing import TYPE_CHECKING

import pytest

from sidecar.registry.access import token_file
from sidecar.registry.access.callers import Caller, Role
from sidecar.registry.access.token_file import FileTokens, TokenFileInvalid, made, parse
from tests.support import FixedClock

if TYPE_CHECKING:
    import logging
    from pathlib import Path

DIGEST = hashlib.sha256(b"secret").hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.yaml"


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def test_a_made_token_is_let_in_as_it_says(path: Path) -> None:
    token, line = made("ana", [Role.STEWARD, Role.ENGINEER], person=True)
    other, other_line = made("credit: sidecars", [Role.ENGINE], person=False)
    write(path, line + other_line)
    tokens = FileTokens(path, FixedClock())
    assert await tokens.caller(token) == Caller("ana", frozenset({Role.STEWARD, Role.ENGINEER}), is_person=True)
    assert await tokens.caller(other) == Caller("credit: sidecars", frozenset({Role.ENGINE}))
    assert await tokens.caller(token[:-1]) is None
    assert token not in line


def test_each_token_is_another_one_of_256_bits() -> None:
    tokens = {made("ana", [Role.READER], person=False)[0] for _ in range(50)}
    assert len(tokens) == 50
    assert all(token.startswith("mps_") and len(token) == 4 + 43 for token in tokens)


async def test_every_entry_is_compared_in_constant_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [made(f"s{number}", [Role.READER], person=False) for number in range(5)]
    write(path, "".join(line for _, line in lines))
    tokens = FileTokens(path, FixedClock())
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return compare_digest(one, other)

    monkeypatch.setattr(token_file.hmac, "compare_digest", compare)
    assert await tokens.caller(lines[0][0]) is not None
    assert compared == [hashlib.sha256(token.encode()).digest() for token, _ in lines]


def test_json_is_yaml(path: Path) -> None:
    entries = parse(json.dumps([{"sha256": DIGEST, "subject": "ci", "roles": ["engineer"]}]).encode(), "t")
    assert [(each.digest.hex(), each.caller) for each in entries] == [
        (DIGEST, Caller("ci", frozenset({Role.ENGINEER})))
    ]


def test_every_problem_is_told_with_its_place() -> None:
    text = f"""
- {{sha256: abc, subject: "", roles: [boss], person: maybe, colour: red}}
- {{sha256: "{DIGEST}", subject: ana, roles: [steward]}}
- nothing
"""
    with pytest.raises(TokenFileInvalid) as refused:
        parse(text.encode(), "t")
    roles = "must be a list of some of engine, reader, steward, engineer, admin"
    assert refused.value.problems == [
        "t[0].colour: not known; only person, roles, sha256, subject are",
        "t[0].sha256: must be 64 hexadecimal digits in quotes",
        "t[0].subject: must be a name",
        f"t[0].roles: {roles}",
        "t[0].person: must be true or false",
        "t[2].sha256: must be 64 hexadecimal digits in quotes",
        "t[2].subject: must be a name",
        f"t[2].roles: {roles}",
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a: [", "t: is neither YAML nor JSON"),
        (b"\xff", "t: is neither YAML nor JSON"),
        (b"{}", "t: must be a list of at most 1000 tokens"),
        (b"", "t: must be a list of at most 1000 tokens"),
        (b"- 1\n" * 1_001, "t: must be a list of at most 1000 tokens"),
        (2 * f"- {{sha256: '{DIGEST}', subject: a, roles: [reader]}}\n".encode(), "t: a token stands more than once"),
    ],
)
def test_what_is_no_list_of_tokens(content: bytes, problem: str) -> None:
    with pytest.raises(TokenFileInvalid, match="^" + problem):
        parse(content, "t")


def test_a_file_that_is_not_there_or_too_large(path: Path) -> None:
    with pytest.raises(TokenFileInvalid, match="No such file or directory; `sidecar registry token` makes it"):
        FileTokens(path, FixedClock())
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(TokenFileInvalid, match="is over 1048576 bytes"):
        FileTokens(path, FixedClock())


async def test_a_withdrawn_token_is_out_within_a_second(path: Path) -> None:
    clock = FixedClock()
    token, line = made("ana", [Role.ADMIN], person=True)
    other, other_line = made("bo", [Role.ADMIN], person=True)
    write(path, line)
    tokens = FileTokens(path, clock)
    write(path, other_line + "# ana has left\n")
    assert await tokens.caller(token) is not None
    clock.advance(1)
    assert await tokens.caller(token) is None
    assert await tokens.caller(other) is not None


async def test_a_bad_change_leaves_the_list_as_it_was_and_is_logged_once(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FixedClock()
    token, line = made("ana", [Role.ADMIN], person=True)
    write(path, line)
    tokens = FileTokens(path, clock)
    write(path, "nonsense")
    for _ in range(3):
        clock.advance(1)
        assert await tokens.caller(token) is not None
    errors: list[logging.LogRecord] = caplog.records
    assert ["the list as it was goes on" in record.getMessage() for record in errors] == [True]
