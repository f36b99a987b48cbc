"""The shipped policy's modules: looked at before they are shipped, so that no start has to do it again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGEST_FILE = Path(__file__).with_name("shipped_modules.sha256")
"""Written by scripts/docs, which refuses to name modules that OPA's compiler would refuse."""
_DIGEST = DIGEST_FILE.read_text().strip() if DIGEST_FILE.exists() else ""


def digest_of(modules: Mapping[str, str]) -> str:
    """SHA-256 over all paths and texts, each with its length before it, in the order of the paths."""
    digest = hashlib.sha256()
    for path, text in sorted(modules.items()):
        for part in (path.encode(), text.encode()):
            digest.update(b"%d:%s" % (len(part), part))
    return digest.hexdigest()


def are_shipped(modules: Mapping[str, str]) -> bool:
    """Whether these are the shipped ones, to the last byte."""
    return digest_of(modules) == _DIGEST
