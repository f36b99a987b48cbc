from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.app.bundle_file import BundleFile
from sidecar.policy.age import Confirmed
from sidecar.policy.bundle_memory import Remembered, decode, encode

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_read_is_what_was_written_last(tmp_path: Path) -> None:
    audit_dir = tmp_path / "var" / "audit"
    file = BundleFile(audit_dir)
    assert file.read() is None
    one, two = (encode(Remembered({"policy": sequence})) for sequence in (1, 2))
    file.replace(one)
    file.replace(two)
    assert BundleFile(audit_dir).read() == two
    assert (audit_dir / "bundles.json").stat().st_mode & 0o777 == 0o600


def test_no_worker_makes_another_forget_what_it_saw(tmp_path: Path) -> None:
    ahead = Remembered({"policy": 9, "data": 3}, {"policy": Confirmed("r9", 200.0)})
    behind = Remembered({"policy": 8, "data": 4}, {"policy": Confirmed("r8", 100.0), "data": Confirmed("d4", 50.0)})
    for known in (ahead, behind):
        BundleFile(tmp_path).replace(encode(known))
    content = BundleFile(tmp_path).read()
    assert content is not None
    assert decode(content) == Remembered(
        {"policy": 9, "data": 4}, {"policy": Confirmed("r9", 200.0), "data": Confirmed("d4", 50.0)}
    )


def test_what_cannot_be_read_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "bundles.json").write_bytes(b"{")
    known = encode(Remembered({"policy": 1}))
    BundleFile(tmp_path).replace(known)
    assert BundleFile(tmp_path).read() == known


def test_what_is_there_and_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bundles.json").mkdir()
    with pytest.raises(IsADirectoryError):
        BundleFile(tmp_path).read()
