from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import jwt

from bench import tokens, workload

if TYPE_CHECKING:
    from pathlib import Path


def test_tokens_are_signed_and_kept_while_they_last(tmp_path: Path) -> None:
    made = tokens.minted(tmp_path, 5)
    lines = made.file.read_text().split()
    key = jwt.PyJWK(made.key_set["keys"][0])
    claims = [jwt.decode(line, key, ["RS256"], audience=workload.AUDIENCE, issuer=workload.ISSUER) for line in lines]
    assert [each["sub"] for each in claims] == [f"person-{number}" for number in range(5)]
    assert tokens.minted(tmp_path, 5) == made

    long_ago_s = time.time() - tokens.LIFE_S
    os.utime(tmp_path / "keys-5.json", (long_ago_s, long_ago_s))
    assert tokens.minted(tmp_path, 5).key_set != made.key_set


def test_a_subject_has_tokens_of_its_own_and_one_group() -> None:
    first, again = tokens.claims(7, 0), tokens.claims(7 + tokens.SUBJECTS, 0)
    assert first["sub"] == again["sub"]
    assert first["group"] == again["group"]
    assert first["jti"] != again["jti"]
