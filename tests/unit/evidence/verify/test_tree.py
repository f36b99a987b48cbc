"""Signed tiles: which can be trusted, and which file is wrong where one cannot."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.findings import Findings
from sidecar.evidence.verify.tree import SignedTree
from sidecar.ledger.merkle import Tree, leaf_hash
from sidecar.ledger.proofs import inclusion_proof, verify_inclusion
from sidecar.ledger.reading import entries
from tests.unit.evidence.ledgers import problems, verified, written

if TYPE_CHECKING:
    from pathlib import Path

SIZE = 401
NAMES = ["tile/0/000", "tile/0/001.p/145", "tile/1/000.p/1"]


def roots_of(ledger: Path) -> list[bytes]:
    """The root at each size."""
    tree = Tree()
    roots = [tree.root()]
    for entry in entries(ledger):
        tree.append(leaf_hash(entry.record))
        roots.append(tree.root())
    return roots


@pytest.mark.parametrize("name", NAMES)
def test_a_tile_that_is_gone_is_missed(ledger: Path, audit_dir: Path, name: str) -> None:
    (ledger / name).unlink()
    assert problems(audit_dir) == ["tile_missing"]


def test_tiles_in_a_row_that_are_gone_are_one_finding(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit", count=400)
    shutil.rmtree(ledger / "tile")
    report = verified(tmp_path / "audit")
    assert [(one.code, one.file, one.count, one.last) for one in report.problems] == [
        ("tile_missing", "tile/0/003.p/33", 1, None),
        ("tile_missing", "tile/1/000.p/3", 1, None),
        ("tile_missing", "tile/0/000", 3, "tile/0/002"),
    ]


@pytest.mark.parametrize("other", ["folder", "file"])
def test_what_stands_in_the_place_of_a_tile_is_no_tile(ledger: Path, audit_dir: Path, other: str) -> None:
    if other == "folder":
        (ledger / "tile/0/000").unlink()
        (ledger / "tile/0/000").mkdir()
        assert problems(audit_dir) == ["tile_missing"]
    else:
        shutil.rmtree(ledger / "tile/1")
        (ledger / "tile/1").touch()
        assert problems(audit_dir) == ["file_unknown", "tile_missing"]


@pytest.mark.parametrize("missing", [[], *[[name] for name in NAMES]])
def test_whichever_tile_is_gone_every_root_and_proof_can_be_had(ledger: Path, missing: list[str]) -> None:
    roots = roots_of(ledger)
    for name in missing:
        (ledger / name).unlink()
    findings = Findings()
    tree = SignedTree(ledger, SIZE, roots[-1], findings)
    assert tree.is_proven
    assert [tree.root_at(size) for size in range(SIZE + 1)] == roots
    assert [found.file for found in findings.kept] == missing
    for entry in entries(ledger, 250, 260):
        proof = inclusion_proof(tree.read, entry.sequence, SIZE)
        verify_inclusion(leaf_hash(entry.record), entry.sequence, SIZE, proof, roots[-1])


def test_a_root_that_neither_tiles_nor_records_make_is_not_proven(ledger: Path) -> None:
    tree = SignedTree(ledger, SIZE, bytes(32), Findings())
    assert not tree.is_proven
