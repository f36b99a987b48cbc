from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.note import SIGNATURES_LIMIT, NoteInvalid, Signer, VerifierKey, open_note, signed_text

SIGNER = Signer("example.com/log", Ed25519PrivateKey.from_private_bytes(bytes(32)))
OTHER = Signer("example.com/other", Ed25519PrivateKey.from_private_bytes(b"\1" * 32))
TEXT = "a line\n\nanother, after an empty one\n"
NOTE = SIGNER.sign(TEXT)
BODY, LINE = NOTE[: len(TEXT.encode()) + 1], NOTE[len(TEXT.encode()) + 1 :]
OTHER_LINE = OTHER.sign(TEXT).removeprefix(BODY)
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+"), min_size=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32) | st.just("\n")).map("{}\n".format)


@given(NAMES, st.binary(min_size=32, max_size=32), TEXTS)
def test_what_is_signed_is_opened(name: str, seed: bytes, text: str) -> None:
    signer = Signer(name, Ed25519PrivateKey.from_private_bytes(seed))
    assert open_note(signer.sign(text), [VerifierKey.parse(signer.vkey)], sole=True) == text


def test_a_note_s_bytes() -> None:
    signature = Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(TEXT.encode())
    encoded = b64encode(SIGNER.verifier.key_id + signature)
    line = b"\xe2\x80\x94 example.com/log %s\n" % encoded
    assert SIGNER.sign(TEXT) == TEXT.encode() + b"\n" + line


@pytest.mark.parametrize("text", ["", "no newline", "a\r\n", "a\0b\n", "a\tb\n", "\ud800\n"])
def test_a_text_that_a_note_cannot_hold_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match=r"a note's text|surrogates not allowed"):
        SIGNER.sign(text)


@pytest.mark.parametrize("keys", [[SIGNER], [SIGNER, OTHER]], ids=["one key", "two keys"])
def test_no_bit_of_a_note_can_be_flipped(keys: list[Signer]) -> None:
    known = [signer.verifier for signer in keys]
    for bit in range(8 * len(NOTE)):
        changed = bytearray(NOTE)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(NoteInvalid):
            open_note(bytes(changed), known)


def test_no_byte_can_be_put_in_taken_out_or_cut_off() -> None:
    changes = [NOTE[:place] + NOTE[place + 1 :] for place in range(len(NOTE))]
    changes += [NOTE[:place] for place in range(len(NOTE))]
    changes += [NOTE[:place] + byte + NOTE[place:] for place in range(len(NOTE) + 1) for byte in (b"\n", b" ", b"=")]
    for changed in changes:
        with pytest.raises(NoteInvalid):
            open_note(changed, [SIGNER.verifier])


def with_line(line: bytes) -> bytes:
    return BODY + line


ENCODED = LINE.removeprefix(b"\xe2\x80\x94 example.com/log ").removesuffix(b"\n")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        LINE.replace(b"\n", b"\r\n"),
        LINE.replace(b"\xe2\x80\x94", b"-"),
        LINE.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94  "),
        LINE.replace(b" example", b"\xc2\xa0example"),
        LINE.replace(b"example.com/log ", b""),
        LINE.replace(b"example.com/log", b"example.com/log+"),
        LINE.replace(b"\n", b" \n"),
        LINE.replace(b"\n", b"=\n"),
        LINE.replace(ENCODED, ENCODED[:40] + b"\xc2\x85" + ENCODED[40:]),
        LINE.replace(ENCODED, b64encode(b64decode(ENCODED)[:4])),
        LINE.replace(ENCODED, b64encode(b64decode(ENCODED)[:-1])),
        LINE.replace(ENCODED, b64encode(b64decode(ENCODED) + b"\0")),
        LINE + b"\n",
        LINE + b"more\n",
        LINE + b"\xe2\x80\x94 example.com/other AAAAAA==\n",
        LINE * (SIGNATURES_LIMIT + 1),
        b"\xff" + LINE,
    ],
)
def test_signature_lines_written_otherwise_are_refused(line: bytes) -> None:
    with pytest.raises(NoteInvalid):
        open_note(with_line(line), [SIGNER.verifier])


@pytest.mark.parametrize("text", [b"a\r\n", b"a\0b\n", b"a\tb\n", b"\xff\n"])
def test_a_text_that_a_note_cannot_hold_is_not_opened(text: bytes) -> None:
    signature = Ed25519PrivateKey.from_private_bytes(bytes(32)).sign(text)
    encoded = b64encode(SIGNER.verifier.key_id + signature)
    with pytest.raises(NoteInvalid, match=r"not a signed note|not UTF-8"):
        open_note(text + b"\n" + LINE.replace(ENCODED, encoded), [SIGNER.verifier])


def test_base64_with_bits_to_spare_is_refused() -> None:
    """A signature's 68 bytes leave four bits of the last digit unused."""
    assert ENCODED.endswith(b"=")
    digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = digits.index(ENCODED[-2])
    spare = ENCODED[:-2] + digits[last + 1 : last + 2] + b"="
    assert b64decode(spare) == b64decode(ENCODED)
    with pytest.raises(NoteInvalid, match="not written as C2SP asks"):
        open_note(with_line(LINE.replace(ENCODED, spare)), [SIGNER.verifier])


def test_signatures_by_unknown_keys_are_ignored() -> None:
    assert open_note(with_line(OTHER_LINE + LINE), [SIGNER.verifier]) == TEXT


def test_a_sole_signature_has_no_other_beside_it() -> None:
    for lines, many in ((OTHER_LINE + LINE, 2), (LINE + LINE, 2)):
        with pytest.raises(NoteInvalid, match=f"has {many} signatures"):
            open_note(with_line(lines), [SIGNER.verifier, OTHER.verifier], sole=True)


def test_every_signature_by_a_known_key_must_be_good() -> None:
    bad = OTHER.sign("another text\n").rpartition(b"\n\n")[2]
    assert open_note(with_line(LINE + bad), [SIGNER.verifier]) == TEXT
    for lines in (LINE + bad, bad + LINE):
        with pytest.raises(NoteInvalid, match=r"signature of example.com/other .* is not good"):
            open_note(with_line(lines), [SIGNER.verifier, OTHER.verifier])


def test_without_a_known_key_the_signers_are_named() -> None:
    for known in ([], [OTHER.verifier]):
        with pytest.raises(NoteInvalid, match=f"example.com/log .key {SIGNER.verifier.key_id.hex()}.: no known key"):
            open_note(NOTE, known)


def test_a_text_is_read_whoever_signed_it() -> None:
    assert signed_text("one\n\ntwo\n\n— key c2ln\n".encode()) == "one\n\ntwo\n"
    assert signed_text(b"no note") == "\n"


def test_a_key_of_the_same_name_is_another_key() -> None:
    namesake = Signer(SIGNER.name, Ed25519PrivateKey.from_private_bytes(b"\2" * 32))
    with pytest.raises(NoteInvalid, match="no known key"):
        open_note(NOTE, [namesake.verifier])
    assert open_note(NOTE, [namesake.verifier, SIGNER.verifier]) == TEXT


@given(NAMES, st.binary(min_size=32, max_size=32))
def test_a_vkey_tells_all_of_its_key(name: str, public: bytes) -> None:
    key = VerifierKey(name, public)
    assert VerifierKey.parse(key.vkey) == key


def test_no_part_of_a_vkey_can_be_changed() -> None:
    vkey = SIGNER.vkey
    changes = [vkey[:place] for place in range(len(vkey))] + [vkey[place:] for place in range(1, len(vkey))]
    changes += [vkey[:place] + chr(ord(vkey[place]) ^ 1) + vkey[place + 1 :] for place in range(len(vkey))]
    changes += [vkey + "\n", vkey + "=", f" {vkey}", vkey.replace(SIGNER.verifier.key_id.hex(), "00000000")]
    for changed in changes:
        with pytest.raises(ValueError, match="vkey"):
            VerifierKey.parse(changed)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x01b"])
def test_what_cannot_name_a_key(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a key"):
        VerifierKey(name, bytes(32))
