"""Consent tokens minted before a measurement: RS256, of 10,000 subjects, kept in a file from run to run."""

from __future__ import annotations

import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from bench import workload

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECTS = 10_000
COUNT = 60_000
"""Tokens in all. Who asks for the next one each time meets a token again only after all the others: more than any of
the caches that are measured keeps."""
KEY_BITS = 2_048
LIFE_S = 7 * 86_400
LEAST_LEFT_S = 86_400
BATCH = 1_000
TOLD_EACH = 10


@dataclass(frozen=True, slots=True)
class Tokens:
    """`file` has a token a line; the first `subjects` of them, of one subject each, are those that come back."""

    file: Path
    key_set: dict[str, Any]
    subjects: int
    count: int


def claims(number: int, now_unix_s: int) -> dict[str, Any]:
    """Of token `number`: a subject has the tokens whose numbers differ by multiples of `SUBJECTS`."""
    subject = number % SUBJECTS
    return {
        "iss": workload.ISSUER,
        "aud": workload.AUDIENCE,
        "sub": f"person-{subject}",
        "jti": f"token-{number}",
        "iat": now_unix_s,
        "exp": now_unix_s + LIFE_S,
        "scope": "credit_scoring",
        "group": "ab"[subject % 2],
    }


def minted(folder: Path, count: int = COUNT) -> Tokens:
    """Those of an earlier run while they last, else new ones: some 0.7 ms of a core each."""
    file, keys = folder / f"tokens-{count}.txt", folder / f"keys-{count}.json"
    if not keys.exists() or time.time() - keys.stat().st_mtime > LIFE_S - LEAST_LEFT_S:
        folder.mkdir(parents=True, exist_ok=True)
        _mint(file, keys, count)
    return Tokens(file, json.loads(keys.read_text()), min(SUBJECTS, (count + 1) // 2), count)


def kept_folder() -> Path:
    """Where tokens outlive a run: the cache that the scripts share, which may be deleted at any time."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("SIDECAR_CACHE") or Path(cache) / "model-policy-sidecar") / "bench"


def _mint(file: Path, keys: Path, count: int) -> None:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=KEY_BITS)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    part = file.with_suffix(f".{os.getpid()}")
    with part.open("w") as lines:
        for number, batch in enumerate(_batches(pem, count)):
            lines.write(batch)
            if (number + 1) % TOLD_EACH == 0:
                print(f"minting tokens: {(number + 1) * BATCH:,} of {count:,}", file=sys.stderr, flush=True)
    part.replace(file)
    public = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    keys.write_text(json.dumps({"keys": [public | {"kid": "bench", "alg": "RS256", "use": "sig"}]}))


def _batches(pem: bytes, count: int) -> Iterator[str]:
    now_unix_s = int(time.time())
    starts = range(0, count, BATCH)
    with ProcessPoolExecutor() as pool:
        made = [pool.submit(_batch, pem, start, min(start + BATCH, count), now_unix_s) for start in starts]
        for batch in made:
            yield batch.result()


def _batch(pem: bytes, start: int, end: int, now_unix_s: int) -> str:
    key = serialization.load_pem_private_key(pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    made = (jwt.encode(claims(n, now_unix_s), key, "RS256", {"kid": "bench"}) for n in range(start, end))
    return "".join(f"{token}\n" for token in made)
