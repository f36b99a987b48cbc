from __future__ import annotations

import pytest

from sidecar.evidence.findings import Findings
from sidecar.evidence.verify.differences import compare_tile, first_difference


@pytest.mark.parametrize(
    ("held", "right", "at"), [(b"abc", b"abd", 2), (b"xbc", b"abc", 0), (b"ab", b"abc", 2), (b"abc", b"", 0)]
)
def test_the_first_difference(held: bytes, right: bytes, at: int) -> None:
    assert first_difference(held, right) == at


def test_the_hash_that_is_wrong_is_named() -> None:
    findings, right = Findings(), bytes(96)
    compare_tile("tile/0/000.p/3", right, right, findings)
    assert findings.kept == []
    compare_tile("tile/0/000.p/3", right[:70] + b"!" + right[71:], right, findings)
    (found,) = findings.kept
    assert (found.code, found.file, found.offset) == ("tile_damaged", "tile/0/000.p/3", 70)
    assert found.what.startswith("hash 2 ")
