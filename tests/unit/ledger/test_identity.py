from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sidecar.ledger.identity import Identity, log_id_of, open_identity, origin_of, sign_identity
from sidecar.ledger.note import NoteInvalid, Signer

LOG_ID = "00112233445566778899aabbccddeeff"
SIGNER = Signer(origin_of(LOG_ID), Ed25519PrivateKey.from_private_bytes(bytes(32)))
NEWER = Signer(origin_of(LOG_ID), Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
IDENTITY = Identity(LOG_ID, SIGNER.vkey, "pod-7.example", 1_790_000_000)
TEXT = f"""\
model-policy-sidecar log v1
log {LOG_ID}
origin model-policy-sidecar/{LOG_ID}
key {SIGNER.vkey}
host pod-7.example
created 1790000000
"""


def test_an_identity_s_text() -> None:
    assert IDENTITY.text == TEXT
    assert Identity.parse(TEXT) == IDENTITY


def test_an_origin_tells_its_log() -> None:
    assert log_id_of(origin_of(LOG_ID)) == LOG_ID


@pytest.mark.parametrize(
    "origin", ["", LOG_ID, f"example.com/{LOG_ID}", origin_of(LOG_ID.upper()), origin_of(f"{LOG_ID}\n"), origin_of("")]
)
def test_what_is_the_origin_of_no_log_tells_none(origin: str) -> None:
    with pytest.raises(NoteInvalid, match="is not the origin of a log"):
        log_id_of(origin)


def test_what_is_signed_is_opened() -> None:
    note = sign_identity(IDENTITY, SIGNER)
    assert open_identity(note, [NEWER.verifier, SIGNER.verifier]) == IDENTITY


@pytest.mark.parametrize(
    ("written", "otherwise"),
    [
        ("log v1", "log v2"),
        (f"log {LOG_ID}", f"log {LOG_ID.upper()}"),
        (LOG_ID, LOG_ID[:30]),
        (f"origin model-policy-sidecar/{LOG_ID}", "origin example.com"),
        (f"key model-policy-sidecar/{LOG_ID}", "key model-policy-sidecar/other"),
        (SIGNER.vkey, Signer("example.com", Ed25519PrivateKey.from_private_bytes(bytes(32))).vkey),
        ("host ", "host"),
        ("created 1790000000", "created 01790000000"),
        ("created 1790000000", "created now"),
        ("created 1790000000\n", "created 1790000000"),
        ("created 1790000000\n", ""),
        ("created 1790000000\n", "created 1790000000\nmore\n"),
    ],
)
def test_a_text_written_otherwise_is_refused(written: str, otherwise: str) -> None:
    changed = TEXT.replace(written, otherwise)
    assert changed != TEXT
    with pytest.raises(NoteInvalid, match="identity"):
        Identity.parse(changed)


@pytest.mark.parametrize("log_id", ["g" * 32, LOG_ID.upper(), LOG_ID[:-1], f"{LOG_ID}0"])
def test_a_log_s_id_is_32_hexadecimal_digits(log_id: str) -> None:
    signer = Signer(origin_of(log_id), Ed25519PrivateKey.from_private_bytes(bytes(32)))
    with pytest.raises(NoteInvalid, match="identity"):
        Identity.parse(replace(IDENTITY, log_id=log_id, vkey=signer.vkey).text)


def test_the_key_that_signs_is_the_one_it_names() -> None:
    with pytest.raises(ValueError, match="the identity names the key"):
        sign_identity(IDENTITY, NEWER)
    for known in ([NEWER.verifier], [NEWER.verifier, SIGNER.verifier]):
        with pytest.raises(NoteInvalid, match="no known key"):
            open_identity(NEWER.sign(TEXT), known)


def test_a_new_key_makes_a_new_identity() -> None:
    renewed = replace(IDENTITY, vkey=NEWER.vkey)
    assert open_identity(sign_identity(renewed, NEWER), [SIGNER.verifier, NEWER.verifier]) == renewed


def test_nothing_can_be_added_to_a_signed_identity() -> None:
    note = sign_identity(IDENTITY, SIGNER)
    line = NEWER.sign(TEXT).rpartition(b"\n\n")[2]
    for more in (line, note.rpartition(b"\n\n")[2], b"\n"):
        with pytest.raises(NoteInvalid):
            open_identity(note + more, [SIGNER.verifier])


def test_no_bit_of_a_signed_identity_can_be_flipped() -> None:
    note = sign_identity(IDENTITY, SIGNER)
    for bit in range(8 * len(note)):
        changed = bytearray(note)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteInvalid):
            open_identity(bytes(changed), [SIGNER.verifier])
