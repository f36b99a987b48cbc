"""A proof's text (C2SP tlog-proof), and all that is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.proofs import ProofInvalid, TlogProof, format_proof, parse_proof

CHECKPOINT = b"example.com/log\n3\nroot\n\n\xe2\x80\x94 example.com/log c2ln\n"
TEXT = (
    b"c2sp.org/tlog-proof@v1\n"
    b"index 2\n"
    b"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
    b"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
    b"\n" + CHECKPOINT
)
HASHES = [bytes(32), b"\1" * 32]


def test_a_proof_s_text() -> None:
    assert format_proof(2, HASHES, CHECKPOINT) == TEXT
    assert parse_proof(TEXT) == TlogProof(2, HASHES, CHECKPOINT)


@given(
    st.integers(0, 1 << 64),
    st.lists(st.binary(min_size=32, max_size=32), max_size=64),
    st.binary(max_size=80),
    st.none() | st.binary(max_size=80),
)
def test_a_proof_s_text_tells_all_of_it(index: int, proof: list[bytes], checkpoint: bytes, extra: bytes | None) -> None:
    text = format_proof(index, proof, checkpoint, extra)
    assert parse_proof(text) == TlogProof(index, proof, checkpoint, extra)


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        (b"@v1", b"@v2"),
        (b"index 2", b"index 02"),
        (b"index 2", b"index +2"),
        (b"index 2", b"index -2"),
        (b"index 2", b"index  2"),
        (b"index 2", b"index"),
        (b"index 2\n", b""),
        (b"index 2\n", b"index 2\nextra AA==\n"),
        (b"index 2", b"extra A\nindex 2"),
        (b"index 2", b"extra AB==\nindex 2"),
        (b"AAA=", b"AAB="),
        (b"AAA=\n", b"AAA=\r\n"),
        (b"AAA=\n", b"AAA\n"),
        (b"AAAAA=\n", b"A=\n"),
        (b"\n\n", b"\n"),
        (b"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n", b"%s=\n" % (b"A" * 43) * 64),
        (TEXT, b""),
    ],
)
def test_a_proof_written_otherwise_is_refused(written: bytes, otherwise: bytes) -> None:
    head, gap, checkpoint = TEXT.partition(CHECKPOINT)
    changed = head.replace(written, otherwise, 1) + gap + checkpoint if written != TEXT else otherwise
    assert changed != TEXT
    with pytest.raises(ProofInvalid, match=r"tlog-proof|a hash has 32 bytes"):
        parse_proof(changed)


def test_no_bit_of_a_proof_s_head_can_be_flipped() -> None:
    length = len(TEXT) - len(CHECKPOINT)
    for bit in range(8 * length):
        changed = bytearray(TEXT)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            found = parse_proof(bytes(changed))
        except ProofInvalid:
            continue
        assert found != parse_proof(TEXT)
