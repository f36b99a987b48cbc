"""Where a load test's consent tokens come from: a file of them, or a private key of the issuer's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    import argparse

LIFE_S = 3_600


def tokens(arguments: argparse.Namespace) -> list[str]:
    """Those of `--tokens`, or as many as `--subjects` signed by `--signing-key`; none where neither is given."""
    if arguments.tokens:
        return Path(arguments.tokens).read_text().split()
    if not arguments.signing_key:
        return []
    key = Path(arguments.signing_key).read_bytes()
    headers = {"kid": arguments.kid} if arguments.kid else None
    return [
        jwt.encode(_claims(arguments, subject), key, arguments.algorithm, headers)
        for subject in range(arguments.subjects)
    ]


def _claims(arguments: argparse.Namespace, subject: int) -> dict[str, object]:
    now_unix_s = int(time.time())
    claims: dict[str, object] = {
        "iss": arguments.issuer,
        "aud": arguments.audience,
        "sub": f"bench-{subject}",
        "jti": f"bench-{now_unix_s}-{subject}",
        "iat": now_unix_s,
        "exp": now_unix_s + LIFE_S,
        "scope": arguments.scope,
    }
    groups: list[str] = arguments.groups
    return claims | ({"group": groups[subject % len(groups)]} if groups else {})
