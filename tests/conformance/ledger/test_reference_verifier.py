"""Trees that our code writes, good and tampered, as the reference implementations see them."""

from __future__ import annotations

from shutil import copyfile
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.ledger.checkpoint import Checkpoint, sign_checkpoint
from sidecar.ledger.merkle import Tile, Tree, leaf_hash
from sidecar.ledger.note import Signer
from sidecar.ledger.proofs import format_proof, inclusion_proof
from sidecar.ledger.tiles import TileFolder, tile_path
from tests.budgets import examples
from tests.conformance.ledger.reference import ReferenceVerifier, reference
from tests.unit.ledger.logs import Log

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["reference"]
pytestmark = pytest.mark.heavy

ORIGIN = "model-policy-sidecar/00112233445566778899aabbccddeeff"
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
SIZES = [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 1_000, 65_535, 65_536, 65_537, 70_000]


def record(index: int) -> bytes:
    return b'{"sequence":%d}' % index


def leaf(index: int) -> bytes:
    return leaf_hash(record(index))


def write_ledger(folder: Path, size: int) -> Checkpoint:
    """As the sidecar leaves it: full tiles, the newest partial ones, the newest checkpoint."""

    def keep(tile: Tile) -> None:
        path = folder / tile_path(tile.level, tile.index, tile.width)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tile.hashes)

    folder.mkdir(parents=True, exist_ok=True)
    tree = Tree(keep)
    for index in range(size):
        tree.append(leaf(index))
    for tile in tree.partial_tiles():
        keep(tile)
    checkpoint = Checkpoint(ORIGIN, size, tree.root())
    (folder / "checkpoint").write_bytes(sign_checkpoint(checkpoint, SIGNER))
    return checkpoint


def some_of(size: int) -> dict[int, bytes]:
    return {index: leaf(index) for index in {0, size // 2, size - 2, size - 1, 255, 256} if 0 <= index < size}


@pytest.mark.parametrize("size", SIZES)
def test_a_ledger_of_any_size_is_good(tmp_path: Path, reference: ReferenceVerifier, size: int) -> None:
    checkpoint = write_ledger(tmp_path, size)
    leaves = some_of(size)
    report = reference.ledger(tmp_path, SIGNER.vkey, leaves, "-tiles")
    root = checkpoint.text.splitlines()[2]
    assert report == {"ok": True, "origin": ORIGIN, "size": size, "root": root, "leaves": len(leaves)}


@given(st.integers(0, 1_200), st.integers(0, 1_200))
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_ledger_that_grows_is_consistent(
    tmp_path_factory: pytest.TempPathFactory, reference: ReferenceVerifier, one: int, other: int
) -> None:
    old, new = sorted((one, other))
    folder = tmp_path_factory.mktemp("grows")
    write_ledger(folder, old)
    (folder / "checkpoint").rename(folder / "older")
    write_ledger(folder, new)
    report = reference.ledger(folder, SIGNER.vkey, some_of(new), f"-since={folder / 'older'}", "-tiles")
    assert (report["ok"], report["size"]) == (True, new), report


def test_a_log_that_was_stopped_and_killed_is_one_log(tmp_path: Path, reference: ReferenceVerifier) -> None:
    """Through the sidecar's own writer, in four lives; each ends with records that only the next one signs."""
    for life in range(4):
        log = Log(tmp_path, segment_bytes=100_000)
        for _ in range(9):
            log.commit(*[200] * 20)
            log.sign()
        copyfile(log.layout.checkpoint, tmp_path / f"older.{life}")
        log.commit(*[100] * 17)
        log.close() if life % 2 else log.kill()
    last = Log(tmp_path, segment_bytes=100_000)
    last.sign()
    last.close()
    leaves = {index: leaf_hash(last.records[index]) for index in range(0, 788, 7)}
    for life in range(4):
        since = f"-since={tmp_path / f'older.{life}'}"
        report = reference.ledger(last.layout.ledger_dir, last.ledger.signer.vkey, leaves, since, "-tiles")
        assert (report["ok"], report["size"], report["leaves"]) == (True, 788, len(leaves)), report


def test_a_record_is_hashed_as_it_is(tmp_path: Path, reference: ReferenceVerifier) -> None:
    write_ledger(tmp_path / "ledger", 300)
    (tmp_path / "record").write_bytes(record(299))
    assert reference.ledger(tmp_path / "ledger", SIGNER.vkey, None, f"-record=299={tmp_path / 'record'}")["leaves"] == 1


@pytest.mark.parametrize("extra", [None, b"", b"more"])
@pytest.mark.parametrize(("index", "size"), [(0, 1), (0, 2), (255, 256), (299, 300), (1_234, 70_000)])
def test_a_tlog_proof_of_ours_is_good(
    tmp_path: Path, reference: ReferenceVerifier, index: int, size: int, extra: bytes | None
) -> None:
    write_ledger(tmp_path, size)
    proof = inclusion_proof(TileFolder(tmp_path).read, index, size)
    file = tmp_path / "record.tlog-proof"
    file.write_bytes(format_proof(index, proof, (tmp_path / "checkpoint").read_bytes(), extra))
    (tmp_path / "record").write_bytes(record(index))
    assert reference.proof(file, SIGNER.vkey, f"-leaf={leaf(index).hex()}")["ok"]
    assert reference.proof(file, SIGNER.vkey, f"-record={tmp_path / 'record'}")["ok"]
    assert not reference.proof(file, SIGNER.vkey, f"-leaf={leaf(index + 1).hex()}")["ok"]
    assert not reference.proof(file, OTHER.vkey, f"-leaf={leaf(index).hex()}")["ok"]


def flip(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


@pytest.mark.parametrize(
    "path", ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "checkpoint"], ids=str
)
@pytest.mark.parametrize("bit", [0, 123])
def test_a_flipped_bit_is_found(tmp_path: Path, reference: ReferenceVerifier, path: str, bit: int) -> None:
    write_ledger(tmp_path, 600)
    flip(tmp_path / path, bit)
    report = reference.ledger(tmp_path, SIGNER.vkey, None, "-tiles")
    assert not report["ok"], report


def test_a_missing_tile_is_found(tmp_path: Path, reference: ReferenceVerifier) -> None:
    write_ledger(tmp_path, 600)
    (tmp_path / "tile/0/001").unlink()
    assert "tile/0/001" in reference.ledger(tmp_path, SIGNER.vkey, None, "-tiles")["error"]


def test_a_leaf_that_is_not_there_is_not_included(tmp_path: Path, reference: ReferenceVerifier) -> None:
    write_ledger(tmp_path, 600)
    for leaves in ({7: leaf(8)}, {600: leaf(600)}):
        assert not reference.ledger(tmp_path, SIGNER.vkey, leaves)["ok"]


def test_a_ledger_signed_by_another_key_is_not_good(tmp_path: Path, reference: ReferenceVerifier) -> None:
    write_ledger(tmp_path, 3)
    assert not reference.ledger(tmp_path, OTHER.vkey)["ok"]


def test_a_rewritten_ledger_is_not_consistent(tmp_path: Path, reference: ReferenceVerifier) -> None:
    write_ledger(tmp_path, 600)
    rewritten = Checkpoint(ORIGIN, 400, leaf(0))
    (tmp_path / "older").write_bytes(sign_checkpoint(rewritten, SIGNER))
    report = reference.ledger(tmp_path, SIGNER.vkey, None, f"-since={tmp_path / 'older'}")
    assert "invalid transparency proof" in report["error"]
