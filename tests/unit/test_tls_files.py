"""Over real connections, on both event loops that serve with it."""

from __future__ import annotations

import asyncio
import logging
import shutil
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sidecar.tls_files import LOOK_S, TlsFiles, TlsFilesInvalid
from tests.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest.fixture(scope="module", params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


class Rig:
    """A pair of files, its renewals, and a clock that stands still."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        self.now_s = 1_000.0
        self.cert, self.key = folder / "tls.crt", folder / "tls.key"

    def new(self) -> tuple[Path, Path]:
        """A pair that nobody serves yet."""
        self._made += 1
        folder = self._folder / f"made-{self._made}"
        folder.mkdir()
        return self_signed(folder, "localhost", days=self._made)

    def install(self, pair: tuple[Path, Path]) -> bytes:
        """Each file at once, as `mv` does it; the certificate as clients see it."""
        for made, place in zip(pair, (self.cert, self.key), strict=True):
            shutil.copy(made, place.with_suffix(".new"))
            place.with_suffix(".new").replace(place)
        return der(self.cert)

    def files(self, client_ca: Path | None = None) -> TlsFiles:
        return TlsFiles(self.cert, self.key, client_ca, monotonic_s=lambda: self.now_s)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def der(pem_file: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem_file.read_text())


@asynccontextmanager
async def serving(files: TlsFiles) -> AsyncGenerator[int]:
    """A server that says `hello` and closes; its port."""

    async def hello(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0, ssl=files.context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def served(port: int, name: str = "localhost", own: tuple[Path, Path] | None = None) -> bytes | None:
    """The certificate that a client gets to see, None where it is not taken; it tells no name that is an address."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if own is not None:
        context.load_cert_chain(*own)
    writer = None
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        seen: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return seen if await reader.read() == b"hello" else None
    except (ssl.SSLError, ConnectionError):
        return None
    finally:
        if writer is not None:
            writer.close()


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"], ids=["named", "unnamed"])
async def test_a_renewed_pair_is_served_without_a_restart(rig: Rig, name: str) -> None:
    first = rig.install(rig.new())
    async with serving(rig.files()) as port:
        assert await served(port, name) == first
        second = rig.install(rig.new())
        rig.now_s += LOOK_S - 0.1
        assert await served(port, name) == first
        rig.now_s += 0.1
        assert await served(port, name) == second


async def test_a_volume_of_kubernetes_is_followed_to_its_new_folder(rig: Rig, tmp_path: Path) -> None:
    """Its files are links into `..data`, a link to a folder that is replaced whole."""
    data = tmp_path / "..data"
    data.symlink_to(rig.new()[0].parent)
    rig.cert.symlink_to("..data/cert.pem")
    rig.key.symlink_to("..data/key.pem")
    async with serving(rig.files()) as port:
        assert await served(port) == der(rig.cert)
        (tmp_path / "..new").symlink_to(rig.new()[0].parent)
        (tmp_path / "..new").replace(data)
        rig.now_s += LOOK_S
        assert await served(port) == der(rig.cert)


async def test_half_of_a_renewal_keeps_the_last_good_pair_until_the_other_half_is_there(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    first, renewed = rig.install(rig.new()), rig.new()
    async with serving(rig.files()) as port:
        shutil.copy(renewed[0], rig.cert)
        for _ in range(3):
            rig.now_s += LOOK_S
            assert await served(port) == first
        told = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert len(told) == 1
        assert f"{rig.cert} and {rig.key} are no certificate and its key" in told[0]
        shutil.copy(renewed[1], rig.key)
        rig.now_s += LOOK_S
        assert await served(port) == der(renewed[0])


async def test_files_that_are_gone_change_nothing(rig: Rig) -> None:
    first = rig.install(rig.new())
    async with serving(rig.files()) as port:
        rig.key.unlink()
        rig.now_s += LOOK_S
        assert await served(port) == first


async def test_only_clients_of_the_authority_are_taken_and_a_new_authority_counts(rig: Rig, tmp_path: Path) -> None:
    rig.install(rig.new())
    ours, others = rig.new(), rig.new()
    authority = tmp_path / "ca.crt"
    shutil.copy(ours[0], authority)
    async with serving(rig.files(authority)) as port:
        assert await served(port, own=ours) == der(rig.cert)
        assert (await served(port, own=others), await served(port)) == (None, None)
        shutil.copy(others[0], authority)
        rig.now_s += LOOK_S
        assert await served(port, own=others) == der(rig.cert)
        assert await served(port, own=ours) is None


def test_it_knows_when_the_served_certificate_ends(rig: Rig) -> None:
    rig.install(rig.new())
    files = rig.files()
    assert files.expires_unix_s == end_unix_s(rig.cert)
    rig.cert.write_text("no certificate")
    rig.now_s += LOOK_S
    kept = files.expires_unix_s
    rig.install(rig.new())
    rig.now_s += LOOK_S
    assert kept < files.expires_unix_s == end_unix_s(rig.cert)


def end_unix_s(pem_file: Path) -> float:
    return x509.load_pem_x509_certificate(pem_file.read_bytes()).not_valid_after_utc.timestamp()


def test_what_cannot_be_served_from_is_told_at_the_start(rig: Rig, tmp_path: Path) -> None:
    pair, other = rig.new(), rig.new()
    key = serialization.load_pem_private_key(pair[1].read_bytes(), None)
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    (tmp_path / "empty").touch()
    for cert_file, key_file, why in (
        (pair[0], other[1], "KEY_VALUES_MISMATCH"),
        (pair[0], tmp_path / "none", "No such file or directory"),
        (tmp_path / "empty", pair[1], ""),
        (pair[0], encrypted, "the key is encrypted; give one that is not"),
    ):
        with pytest.raises(
            TlsFilesInvalid, match=f"{cert_file} and {key_file} are no certificate and its key: .*{why}"
        ):
            TlsFiles(cert_file, key_file)
    with pytest.raises(TlsFilesInvalid, match=f"{tmp_path / 'empty'} holds no certificates to trust"):
        TlsFiles(*pair, tmp_path / "empty")
