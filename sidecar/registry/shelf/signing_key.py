"""The registry's own key, which signs data and revocations: given, or made beside an SQLite database on first use.

P-256, whose signatures are the same each time (`bundles.signing`): a registry that starts again serves the very bytes
that engines have, and asks none of them to fetch anything anew.
"""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from sidecar import durable
from sidecar.bundles.invalid import KeyInvalid
from sidecar.bundles.signing import SigningKey

if TYPE_CHECKING:
    from pathlib import Path

KEY_ID = "registry"

logger = logging.getLogger("sidecar.registry")


def load(path: Path) -> SigningKey:
    """A key that is there; raises OSError, `KeyInvalid`. Its public half goes beside it, for engines, unless nothing
    can be written there: a Secret of Kubernetes is mounted read-only, and who made it has both halves."""
    pem = path.read_bytes()
    key = SigningKey(pem, KEY_ID)
    _publish(path, pem)
    return key


def load_or_make(path: Path) -> SigningKey:
    """The same; made where there is none, for its owner only."""
    if not path.exists():
        made = ec.generate_private_key(ec.SECP256R1())
        durable.create_once(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return load(path)


def public_file(path: Path) -> Path:
    """Where the public half of a key lies."""
    return path.with_suffix(".pub.pem")


def _publish(path: Path, pem: bytes) -> None:
    try:
        public = load_pem_private_key(pem, None).public_key()
    except (ValueError, TypeError) as error:
        raise KeyInvalid(str(error)) from None
    content = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    target = public_file(path)
    if target.exists() and target.read_bytes() == content:
        return
    try:
        durable.replace(target, content, mode=0o644)
    except OSError as error:
        if error.errno not in (errno.EROFS, errno.EACCES):
            raise
        logger.info("%s: cannot be written here; the public half is not laid beside the key", target)
