from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.checkpoint import Checkpoint, claimed_checkpoint, open_checkpoint, sign_checkpoint
from sidecar.ledger.note import NoteInvalid, Signer

ORIGIN = "model-policy-sidecar/00112233445566778899aabbccddeeff"
SIGNER = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = Signer("example.com/other", Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
CHECKPOINT = Checkpoint(ORIGIN, 20_852_163, bytes(range(32)))
TEXT = f"{ORIGIN}\n20852163\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"


def test_a_checkpoint_s_text() -> None:
    assert CHECKPOINT.text == TEXT
    assert Checkpoint.parse(TEXT) == CHECKPOINT


@given(st.integers(0, 1 << 64), st.binary(min_size=32, max_size=32))
def test_what_is_signed_is_opened(size: int, root: bytes) -> None:
    checkpoint = Checkpoint(ORIGIN, size, root)
    assert open_checkpoint(sign_checkpoint(checkpoint, SIGNER), [OTHER.verifier, SIGNER.verifier]) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        TEXT.removesuffix("\n"),
        f"{TEXT}extension\n",
        f"{TEXT}\n",
        TEXT.replace(ORIGIN, ""),
        TEXT.replace("\n20852163", "\n020852163"),
        TEXT.replace("\n20852163", "\n-1"),
        TEXT.replace("\n20852163", "\n+20852163"),
        TEXT.replace("\n20852163", "\n20_852_163"),
        TEXT.replace("\n20852163", "\n"),
        TEXT.replace("\n20852163", "\n2085216३"),
        TEXT.replace("h8=", "h9="),
        TEXT.replace("Hh8=", "Hh8"),
        TEXT.replace("Hh8=", "Hg=="),
        TEXT.replace("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""),
        "",
    ],
)
def test_a_text_written_otherwise_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid, match="checkpoint"):
        Checkpoint.parse(text)


def test_what_a_checkpoint_claims_is_read_whoever_signed_it() -> None:
    checkpoint = Checkpoint(ORIGIN, 7, bytes(32))
    assert claimed_checkpoint(f"{checkpoint.text}\n{OTHER.name} signed it".encode()) == checkpoint
    for note in (checkpoint.text.encode(), b"", b"\xff\n\n", OTHER.sign("origin\nmany\n")):
        with pytest.raises(NoteInvalid):
            claimed_checkpoint(note)


def test_a_checkpoint_of_another_log_is_refused() -> None:
    note = sign_checkpoint(CHECKPOINT, SIGNER)
    assert open_checkpoint(note, [SIGNER.verifier], ORIGIN) == CHECKPOINT
    with pytest.raises(NoteInvalid, match=f"one of {ORIGIN}, not of example.com/other"):
        open_checkpoint(note, [SIGNER.verifier], "example.com/other")


def test_a_log_s_key_does_not_speak_for_another_log() -> None:
    with pytest.raises(ValueError, match=f"key of example.com/other does not sign for {ORIGIN}"):
        sign_checkpoint(CHECKPOINT, OTHER)
    forged = OTHER.sign(TEXT)
    for origin in (None, ORIGIN):
        with pytest.raises(NoteInvalid, match="no known key"):
            open_checkpoint(forged, [SIGNER.verifier, OTHER.verifier], origin)


def test_a_sole_signature_is_asked_for() -> None:
    note = sign_checkpoint(CHECKPOINT, SIGNER)
    cosigned = note + OTHER.sign(TEXT).rpartition(b"\n\n")[2]
    assert open_checkpoint(cosigned, [SIGNER.verifier]) == CHECKPOINT
    with pytest.raises(NoteInvalid, match="2 signatures"):
        open_checkpoint(cosigned, [SIGNER.verifier], sole=True)


def test_no_bit_of_a_signed_checkpoint_can_be_flipped() -> None:
    note = sign_checkpoint(CHECKPOINT, SIGNER)
    for bit in range(8 * len(note)):
        changed = bytearray(note)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteInvalid):
            open_checkpoint(bytes(changed), [SIGNER.verifier])
