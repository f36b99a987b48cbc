"""Our code against what others publish; README.md says what is from where."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidecar.ledger.merkle import Tree, leaf_hash
from sidecar.ledger.note import NoteInvalid, Signer, VerifierKey, open_note
from sidecar.ledger.proofs import ProofInvalid, verify_consistency, verify_inclusion


def vectors(name: str) -> Any:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text())


def decoded(values: list[str] | None) -> list[bytes]:
    return [b64decode(value) for value in values or []]


def named(vector: dict[str, Any]) -> str:
    return vector["name"]


def test_the_leaf_hashes_and_roots_of_certificate_transparency() -> None:
    known = vectors("rfc6962")
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in known["leaves"]]
    assert [leaf.hex() for leaf in leaves] == known["leaf_hashes"]
    tree = Tree()
    roots = [tree.root().hex()]
    for leaf in leaves:
        tree.append(leaf)
        roots.append(tree.root().hex())
    assert roots == known["roots"]


@pytest.mark.parametrize("vector", vectors("inclusion"), ids=named)
def test_proofs_of_inclusion(vector: dict[str, Any]) -> None:
    leaf, root = b64decode(vector["leafHash"]), b64decode(vector["root"] or "")
    arguments = leaf, vector["leafIdx"], vector["treeSize"], decoded(vector["proof"]), root
    if not vector["wantErr"]:
        verify_inclusion(*arguments)
        return
    with pytest.raises(ProofInvalid):
        verify_inclusion(*arguments)


@pytest.mark.parametrize("vector", vectors("consistency"), ids=named)
def test_proofs_of_consistency(vector: dict[str, Any]) -> None:
    roots = [b64decode(vector[key]) for key in ("root1", "root2")]
    arguments = vector["size1"], roots[0], vector["size2"], roots[1], decoded(vector["proof"])
    if not vector["wantErr"]:
        verify_consistency(*arguments)
        return
    with pytest.raises(ProofInvalid):
        verify_consistency(*arguments)


@pytest.mark.parametrize("vector", vectors("notes"), ids=named)
def test_notes(vector: dict[str, Any]) -> None:
    keys = [VerifierKey.parse(vkey) for vkey in vector["vkeys"]]
    if vector["text"] is not None:
        assert open_note(vector["note"].encode(), keys) == vector["text"]
        return
    with pytest.raises(NoteInvalid):
        open_note(vector["note"].encode(), keys)


def test_signing_gives_the_published_signature() -> None:
    """Go's example key, PRIVATE+KEY+PeterNeumann+c74f20a3+…; Ed25519 signatures have no randomness."""
    seed = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
    vector = next(vector for vector in vectors("notes") if vector["name"] == "one signature")
    signer = Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(seed))
    assert [signer.vkey] == vector["vkeys"]
    assert signer.sign(vector["text"]).decode() == vector["note"]
