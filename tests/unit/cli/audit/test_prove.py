"""`sidecar audit prove`: what it writes, and what `verify` says of it without the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.audit.calls import audit
from tests.unit.evidence.ledgers import decision_id

if TYPE_CHECKING:
    from pathlib import Path


def test_a_proof_is_written_and_checked_without_the_log(audit_dir: Path, tmp_path: Path) -> None:
    shown = audit("prove", decision_id(3), audit_dir)
    proof = tmp_path / "proof.json"
    proof.write_text(shown.output)
    checked = audit("verify", "--proof", proof, "--public-key", f"{audit_dir}.pub")
    assert (checked.exit_code, checked.output.count("proven: record ")) == (0, 2)
    assert audit("verify", "--proof", proof).exit_code == 2
    proof.write_text(shown.output.replace("released", "refused "))
    changed = audit("verify", "--proof", proof, "--public-key", f"{audit_dir}.pub")
    assert (changed.exit_code, "proves nothing" in changed.output) == (1, True)
    assert audit("prove", decision_id(99), audit_dir).exit_code == 1


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"\xff\x1b", "the document is no JSON"),
        (b"[]", "the document is no JSON object"),
        (b"{}", "it has no `format`"),
        (b'{"format": "\\u001b"}', "the document's `format` is not `model-policy-sidecar proof v1`"),
        (b'{"format": "model-policy-sidecar proof v1"}', "the document, or a record in it, has no `decision_id`"),
    ],
)
def test_what_is_no_proof_is_said_in_words(audit_dir: Path, tmp_path: Path, document: bytes, why: str) -> None:
    proof = tmp_path / "proof.json"
    proof.write_bytes(document)
    shown = audit("verify", "--proof", proof, "--public-key", f"{audit_dir}.pub")
    assert (shown.exit_code, shown.output) == (1, f"sidecar: {proof} proves nothing: {why}\n")
