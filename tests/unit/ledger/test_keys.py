from __future__ import annotations

import fcntl
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ecdsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from sidecar.ledger.keys import load_key, publish, read_public, signer_of
from sidecar.ledger.note import Signer, open_note

if TYPE_CHECKING:
    from pathlib import Path


def public(path: Path) -> bytes:
    return load_key(path)[0].public_key().public_bytes_raw()


def test_a_key_is_made_on_first_use_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "audit.key"
    key, made = load_key(path)
    content = path.read_bytes()
    again, made_again = load_key(path)
    assert (made, made_again) == (True, False)
    assert key.private_bytes_raw() == again.private_bytes_raw()
    assert path.read_bytes() == content
    assert content.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_two_keys_are_not_alike(tmp_path: Path) -> None:
    assert public(tmp_path / "one.key") != public(tmp_path / "two.key")


def test_many_at_once_get_one_key(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(load_key, [path] * 32))
    assert len({key.private_bytes_raw() for key, _ in found}) == 1
    assert sum(made for _, made in found) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_another_process_makes_meanwhile_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.key"
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))

    def generate() -> Ed25519PrivateKey:
        path.write_bytes(pem(other))
        return Ed25519PrivateKey.from_private_bytes(b"\1" * 32)

    monkeypatch.setattr(Ed25519PrivateKey, "generate", generate)
    key, made = load_key(path)
    assert (key.private_bytes_raw(), made) == (bytes(32), False)
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_that_was_given_is_only_read(tmp_path: Path) -> None:
    """As a Kubernetes secret is mounted: a link to a file that may not be written, in a folder that may not be."""
    given = Ed25519PrivateKey.from_private_bytes(bytes(32))
    mount = tmp_path / "mount"
    mount.mkdir()
    (mount / "data").write_bytes(pem(given))
    (mount / "data").chmod(0o444)
    (mount / "audit.key").symlink_to("data")
    mount.chmod(0o555)
    key, made = load_key(mount / "audit.key")
    assert (key.private_bytes_raw(), made) == (bytes(32), False)
    assert sorted(path.name for path in mount.iterdir()) == ["audit.key", "data"]


def pem(key: Ed25519PrivateKey | EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        pem(Ed25519PrivateKey.from_private_bytes(bytes(32)))[:-40],
        pem(Ed25519PrivateKey.from_private_bytes(bytes(32)), b"word"),
        pem(generate_ecdsa(SECP256R1())),
    ],
    ids=["empty", "text", "cut off", "passphrase", "ECDSA"],
)
def test_a_file_that_holds_another_thing_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "audit.key"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"audit\.key is not an Ed25519 private key .*openssl genpkey"):
        load_key(path)
    assert path.read_bytes() == content


def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        load_key(tmp_path / "file" / "audit.key")


def test_a_signer_has_the_name_it_is_given(tmp_path: Path) -> None:
    signer = signer_of(load_key(tmp_path / "audit.key")[0], "example.com/log")
    assert signer.name == "example.com/log"
    assert open_note(signer.sign("a text\n"), [signer.verifier]) == "a text\n"


def vkey(number: int) -> str:
    return Signer(f"example.com/{number}", Ed25519PrivateKey.from_private_bytes(bytes([number] * 32))).vkey


def test_public_keys_are_added_once_in_order(tmp_path: Path) -> None:
    file = tmp_path / "audit.pub"
    for number in (2, 1, 2, 3, 1):
        publish(file, vkey(number))
    assert file.read_text() == f"{vkey(2)}\n{vkey(1)}\n{vkey(3)}\n"
    assert [key.vkey for key in read_public(file)] == [vkey(2), vkey(1), vkey(3)]


def test_a_key_that_is_published_already_is_not_written_again(tmp_path: Path) -> None:
    """As from a mount that may not be written to."""
    file = tmp_path / "audit.pub"
    file.write_text(f"{vkey(1)}\n")
    before = file.stat()
    publish(file, vkey(1))
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert list(tmp_path.iterdir()) == [file]


def test_several_processes_lose_no_key(tmp_path: Path) -> None:
    file = tmp_path / "audit.pub"
    program = "import sys\nfrom pathlib import Path\nfrom sidecar.ledger.keys import publish\n"
    program += "for vkey in sys.argv[2:]: publish(Path(sys.argv[1]), vkey)"
    groups = [[vkey(number) for number in range(start, start + 20)] for start in (0, 20, 30)]
    processes = [subprocess.Popen([sys.executable, "-c", program, str(file), *group]) for group in groups]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert sorted(key.vkey for key in read_public(file)) == sorted(vkey(number) for number in range(50))


def test_a_key_that_another_process_adds_meanwhile_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "audit.pub"
    flock = fcntl.flock

    def overtaken(lock: int, operation: int) -> None:
        flock(lock, operation)
        file.write_text(f"{vkey(2)}\n{vkey(1)}\n")

    monkeypatch.setattr(fcntl, "flock", overtaken)
    publish(file, vkey(1))
    assert file.read_text() == f"{vkey(2)}\n{vkey(1)}\n"


def test_what_is_no_vkey_is_not_published(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not the vkey"):
        publish(tmp_path / "audit.pub", "example.com+00000000+AAAA")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["", "# a remark", f"{vkey(2)} ", f"{vkey(2)}\r", vkey(2)[:-1], "\udcff"], ids=repr)
def test_a_line_that_is_no_vkey_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "audit.pub"
    content = f"{vkey(1)}\n{line}\n".encode(errors="surrogateescape")
    file.write_bytes(content)
    for use in (lambda: read_public(file), lambda: publish(file, vkey(3))):
        with pytest.raises(ValueError, match=r"audit\.pub, line 2"):
            use()
    assert file.read_bytes() == content
