"""Any single bit of any file under `ledger/` that is flipped is found and located; so is any coarser change.

`TAMPERED_BITS` sets how many bits of each part of the ledger are flipped, one at a time.
"""

from __future__ import annotations

import os
import random
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.frames import HEAD_BYTES
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import HEADER_BYTES, segment_files
from tests.unit.evidence.ledgers import codes, verified, written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BITS_A_PART = int(os.environ.get("TAMPERED_BITS", "100"))
SEED = 20_261_122


@dataclass(frozen=True)
class Bit:
    """`sequence`: the record that the bit belongs to, if to any."""

    file: str
    offset: int
    bit: int
    sequence: int | None = None


def bits_of(file: str, begin: int, end: int, sequence: int | None = None) -> Iterator[Bit]:
    for offset in range(begin, end):
        yield from (Bit(file, offset, bit, sequence) for bit in range(8))


def headers(ledger: Path) -> Iterator[Bit]:
    for path in segment_files(ledger):
        yield from bits_of(f"records/{path.name}", 0, HEADER_BYTES)


def frame_heads(ledger: Path) -> Iterator[Bit]:
    for entry in entries(ledger):
        name = f"records/{entry.segment.name}"
        yield from bits_of(name, entry.offset, entry.offset + HEAD_BYTES, entry.sequence)


def payloads(ledger: Path) -> Iterator[Bit]:
    for entry in entries(ledger):
        begin = entry.offset + HEAD_BYTES
        yield from bits_of(f"records/{entry.segment.name}", begin, begin + len(entry.record), entry.sequence)


def tiles(ledger: Path) -> Iterator[Bit]:
    for path in sorted((ledger / "tile").rglob("*")):
        if path.is_file():
            yield from bits_of(path.relative_to(ledger).as_posix(), 0, path.stat().st_size)


def notes(ledger: Path) -> Iterator[Bit]:
    for name in ("identity", "checkpoint"):
        yield from bits_of(name, 0, (ledger / name).stat().st_size)


PARTS = {part.__name__: part for part in (headers, frame_heads, payloads, tiles, notes)}


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("pristine") / "audit", count=140, segment_bytes=16_384)


@pytest.mark.parametrize("part", PARTS)
def test_a_flipped_bit_is_found_and_located(pristine: Path, tmp_path: Path, part: str) -> None:
    audit_dir = tmp_path / "audit"
    shutil.copytree(pristine.parents[1], audit_dir)
    shutil.copy(pristine.parents[2] / "audit.pub", tmp_path)
    assert codes(verified(audit_dir)) == []
    every = list(PARTS[part](pristine))
    picked = random.Random(SEED).sample(every, min(BITS_A_PART, len(every)))
    assert [bit for bit in picked if not is_located(audit_dir, bit)] == []


def is_located(audit_dir: Path, bit: Bit) -> bool:
    """Whether flipping the bit gives findings of this place, and of no other file."""
    path = audit_dir / "0" / "ledger" / bit.file
    good = path.read_bytes()
    bad = bytearray(good)
    bad[bit.offset] ^= 1 << bit.bit
    path.write_bytes(bad)
    try:
        report = verified(audit_dir)
    finally:
        path.write_bytes(good)
    places = {(finding.file, finding.sequence) for finding in report.problems}
    if bit.file == "checkpoint":  # nothing is signed then, and tiles and records still agree
        return not report.holds and {file for file, _ in places} == {"checkpoint"}
    return not report.holds and places == {(bit.file, bit.sequence)}


def changed(good: bytes, chance: random.Random) -> bytes:
    """A file cut off, cut into, added to or written over, somewhere."""
    begin = chance.randrange(len(good))
    end = min(len(good), begin + chance.randrange(1, 2_000))
    noise = chance.randbytes(chance.randrange(1, 300))
    return chance.choice(
        [
            good[:begin],
            good[:begin] + good[end:],
            good[:begin] + noise + good[begin:],
            good[:begin] + noise + good[end:],
        ]
    )


def test_any_coarser_change_is_found(pristine: Path, tmp_path: Path) -> None:
    audit_dir, chance = tmp_path / "audit", random.Random(SEED)
    shutil.copytree(pristine.parents[1], audit_dir)
    shutil.copy(pristine.parents[2] / "audit.pub", tmp_path)
    ledger = audit_dir / "0" / "ledger"
    paths = [path for path in sorted(ledger.rglob("*")) if path.is_file()]
    missed: list[tuple[str, bytes]] = []
    for _ in range(200):
        path = chance.choice(paths)
        good = path.read_bytes()
        bad = changed(good, chance)
        path.write_bytes(bad)
        report = verified(audit_dir)
        path.write_bytes(good)
        if report.holds and bad != good:
            missed.append((path.relative_to(ledger).as_posix(), bad))
    assert missed == []
