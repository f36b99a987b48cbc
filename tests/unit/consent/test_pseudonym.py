from __future__ import annotations

import hashlib
import hmac
import stat
from typing import TYPE_CHECKING

import pytest

from sidecar.consent.pseudonym import Pseudonyms, load_pseudonyms

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))


def expected(text: str) -> str:
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()


def test_a_pseudonym_is_the_hmac_of_issuer_nul_name() -> None:
    pseudonyms = Pseudonyms(KEY)
    assert pseudonyms.subject("https://i", "é") == expected("https://i\0é")
    assert pseudonyms.token_id("https://i", "t") == expected("https://i\0t")


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "audit.subject-key"
    first = load_pseudonyms(path).subject("i", "s")
    content = path.read_bytes()
    assert len(content) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert load_pseudonyms(path).subject("i", "s") == first
    assert first == Pseudonyms(content).subject("i", "s")


@pytest.mark.parametrize("size", [0, 16, 31, 33, 4096])
def test_a_key_of_another_size_is_refused_and_left_alone(tmp_path: Path, size: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(bytes(size))
    with pytest.raises(ValueError, match="exactly 32 bytes"):
        load_pseudonyms(path)
    assert path.read_bytes() == bytes(size)


def test_a_key_given_by_hand_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Pseudonyms(b"short")
