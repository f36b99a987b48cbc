from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from sidecar.injector.certificates import pem
from sidecar.injector.certificates.authority import founded
from tests.unit.injector.certificates.clients import NOW

ISSUED = founded("policy", NOW).issued


def test_what_is_written_is_read() -> None:
    pair = (ISSUED.certificate, founded("other", NOW).issued.certificate)
    assert pem.certificates(pem.of_certificates(pair)) == pair
    assert pem.key(pem.of_key(ISSUED.key)).private_numbers() == ISSUED.key.private_numbers()


@pytest.mark.parametrize("text", [b"", b"\n"])
def test_no_text_is_no_certificates(text: bytes) -> None:
    assert pem.certificates(text) == ()


def test_other_text_is_refused() -> None:
    with pytest.raises(pem.PemInvalid, match="holds no certificates"):
        pem.certificates(pem.of_key(ISSUED.key))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "holds no private key"),
        (pem.of_certificates([ISSUED.certificate]), "holds no private key"),
        (
            ISSUED.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
            "holds no private",
        ),
        (Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "another kind"),
    ],
)
def test_what_is_no_key_of_ours_is_refused(text: bytes, problem: str) -> None:
    with pytest.raises(pem.PemInvalid, match=problem):
        pem.key(text)
