"""The key that signs a log's checkpoints, and the public list of all such keys.

The private key is a file of its own (PKCS#8, PEM), made on first use and never overwritten, or given: a mounted
secret is only ever read. The public file has a vkey a line, one for each log and key that ever signed; auditors take
their copy of it out of the reach of whoever runs the sidecar.
"""

from __future__ import annotations

import fcntl
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sidecar.durable import create_once, replace
from sidecar.ledger.note import Signer, VerifierKey

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_KEY_LIMIT_BYTES = 16 << 10


def load_key(path: Path) -> tuple[Ed25519PrivateKey, bool]:
    """The private key, and whether this call made it.

    Several processes may do this at once and get the same key: the file has its whole content before it gets its
    name, and the name is given once. Raises OSError, and ValueError for a file that holds no such key.
    """
    with suppress(FileNotFoundError):
        return _read_key(path), False
    made = create_once(path, _pem(Ed25519PrivateKey.generate()))
    return _read_key(path), made


def signer_of(key: Ed25519PrivateKey, name: str) -> Signer:
    """The key under a log's origin as its name."""
    return Signer(name, key)


def publish(pub_file: Path, vkey: str) -> None:
    """Adds a vkey to the public file, unless it is there. Raises OSError, and ValueError as `read_public`.

    Safe with several processes; a reader sees the old file or the new one.
    """
    key = VerifierKey.parse(vkey)
    if key in _published(pub_file):
        return
    with _locked(pub_file):
        known = _published(pub_file)
        if key not in known:
            replace(pub_file, "".join(f"{one.vkey}\n" for one in [*known, key]).encode(), mode=0o644)


def read_public(pub_file: Path) -> list[VerifierKey]:
    """The keys of a public file, oldest first. Raises OSError, and ValueError where a line is not a vkey."""
    lines = pub_file.read_bytes().decode(errors="replace").removesuffix("\n").split("\n")
    keys: list[VerifierKey] = []
    for number, line in enumerate(lines, start=1):
        try:
            keys.append(VerifierKey.parse(line))
        except ValueError as error:
            raise ValueError(f"{pub_file}, line {number}: {error}") from error
    return keys


def _read_key(path: Path) -> Ed25519PrivateKey:
    with path.open("rb") as file:
        content = file.read(_KEY_LIMIT_BYTES)
    key = _parse_key(content)
    if key is None:
        raise ValueError(
            f"{path} is not an Ed25519 private key (PKCS#8, PEM, no passphrase): "
            "put one there (openssl genpkey -algorithm ed25519), or name a file that is not there yet"
        )
    return key


def _parse_key(content: bytes) -> Ed25519PrivateKey | None:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        return None
    return key if isinstance(key, Ed25519PrivateKey) else None


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """One process at a time. The lock is a file beside, for `path` itself is replaced; closing it lets go."""
    with path.with_name(f".{path.name}.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _published(pub_file: Path) -> list[VerifierKey]:
    return read_public(pub_file) if pub_file.exists() else []
