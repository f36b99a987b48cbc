from __future__ import annotations

import errno
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest

from sidecar.bundles.invalid import KeyInvalid
from sidecar.bundles.signing import SIGNATURES, VerifyingKey
from sidecar.registry.shelf import signing_key

if TYPE_CHECKING:
    from pathlib import Path

FILES = {"data.json": b"{}"}


def test_a_key_is_made_once_for_its_owner_and_its_public_half_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "registry.db.key.pem"
    first = signing_key.load_or_make(path)
    assert path.stat().st_mode & 0o777 == 0o600
    public = tmp_path / "registry.db.key.pub.pem"
    assert public.stat().st_mode & 0o777 == 0o644
    assert first.algorithm == "ES256"
    signature = first.sign(FILES, "data")
    VerifyingKey(public.read_bytes()).verify(FILES | {SIGNATURES: signature}, "data")
    assert signing_key.load_or_make(path).sign(FILES, "data") == signature


def test_another_key_has_another_public_half(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    signing_key.load_or_make(path)
    former = signing_key.public_file(path).read_bytes()
    path.unlink()
    signing_key.load_or_make(path)
    assert signing_key.public_file(path).read_bytes() != former


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text("nothing")
    with pytest.raises(KeyInvalid):
        signing_key.load_or_make(path)
    with pytest.raises(FileNotFoundError):
        signing_key.load(tmp_path / "none.pem")


@pytest.mark.parametrize(("number", "raises"), [(errno.EROFS, False), (errno.EACCES, False), (errno.ENOSPC, True)])
def test_a_given_key_may_lie_where_nothing_can_be_written(
    number: int, raises: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "signing.pem"
    made = signing_key.load_or_make(path).sign(FILES, "data")
    signing_key.public_file(path).unlink()

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(signing_key.durable, "replace", refused)
    with pytest.raises(OSError, match="no") if raises else nullcontext():
        assert signing_key.load(path).sign(FILES, "data") == made
