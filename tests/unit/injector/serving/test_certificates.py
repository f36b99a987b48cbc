"""Certificates as a server has them, asked by a real client over a real socket."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from sidecar.injector.certificates.authority import LEAF_LIFE
from sidecar.injector.certificates.plan import Renew
from sidecar.injector.certificates.store import StoreFailed
from sidecar.injector.certificates.upkeep import Names, Upkeep, rotate
from sidecar.injector.serving import certificates
from sidecar.injector.serving.certificates import FileCertificates, OwnCertificates, utc_now
from sidecar.injector.serving.followed import ContentInvalid
from sidecar.tls_files import TlsFilesInvalid
from tests.support import FixedClock
from tests.unit.injector.certificates.memory import MemoryStore
from tests.unit.injector.serving.parts import HOST, write_pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = Names("policy")
SECRETS = {"injector": NAMES.injector, "registry": NAMES.registry}
LEAVES = {NAMES.injector: (HOST,), NAMES.registry: ("registry.system.svc",)}
TLS_LOOK_S = 10.0


def today() -> FixedClock:
    """Clients look at the time themselves."""
    return FixedClock(datetime.now(UTC).timestamp())


async def served(context: ssl.SSLContext, trusted: bytes) -> x509.Certificate:
    """What a client that trusts these authorities (PEM) is shown."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        client = ssl.create_default_context(cadata=trusted.decode())
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client, server_hostname=HOST)
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        await writer.wait_closed()
    return x509.load_der_x509_certificate(shown)


async def test_files_are_served_and_followed_without_a_restart(tmp_path: Path) -> None:
    clock = today()
    first = write_pair(tmp_path)
    found = FileCertificates(tmp_path, clock)
    assert found.registry_ca == first.decode()
    before = await served(found.context, first)
    assert found.ends_unix_s == {"injector": before.not_valid_after_utc.timestamp()}
    second = write_pair(tmp_path)
    clock.advance(TLS_LOOK_S)
    assert await served(found.context, second) != before
    assert (found.registry_ca, found.problems) == (second.decode(), [])


async def test_an_authority_that_is_no_good_is_told_and_the_last_one_goes_on(tmp_path: Path) -> None:
    clock = today()
    first = write_pair(tmp_path)
    found = FileCertificates(tmp_path, clock)
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    clock.advance(TLS_LOOK_S)
    assert found.registry_ca == first.decode()
    assert [problem.split(": ")[0] for problem in found.problems] == [str(tmp_path / "ca.crt")]


async def test_without_an_authority_opa_trusts_the_systems(tmp_path: Path) -> None:
    write_pair(tmp_path)
    (tmp_path / "ca.crt").unlink()
    assert FileCertificates(tmp_path, today()).registry_ca is None


def test_files_that_cannot_be_served_from_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TlsFilesInvalid):
        FileCertificates(tmp_path, today())
    write_pair(tmp_path)
    (tmp_path / "ca.crt").write_text("-----BEGIN CERTIFICATE-----\n")
    with pytest.raises(ContentInvalid):
        FileCertificates(tmp_path, today())


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(NAMES.authority, NAMES.injector, NAMES.registry)


@pytest.fixture
def fast_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificates, "ROUND_S", 0.0)


def own(store: MemoryStore, folder: Path, clock: FixedClock) -> OwnCertificates:
    return OwnCertificates(Upkeep(store, NAMES, LEAVES, lambda: utc_now(clock)), store, SECRETS, folder, clock)


async def until(ready: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not ready():  # noqa: ASYNC110 - it comes about in a thread
            await asyncio.sleep(0.001)


async def test_own_certificates_are_there_from_the_start(store: MemoryStore, tmp_path: Path) -> None:
    found = own(store, tmp_path, today())
    shown = await served(found.context, store.bundle)
    assert found.registry_ca == store.bundle.decode()
    assert set(found.ends_unix_s) == {"injector", "registry", "authority"}
    assert found.ends_unix_s["injector"] == shown.not_valid_after_utc.timestamp()
    assert (tmp_path / "tls.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("renew", [Renew.LEAVES, Renew.ALL])
@pytest.mark.usefixtures("fast_rounds")
async def test_what_rotate_makes_is_served_without_a_restart(store: MemoryStore, tmp_path: Path, renew: Renew) -> None:
    clock = today()
    found = own(store, tmp_path, clock)
    trusted_before, before = store.bundle, await served(found.context, store.bundle)
    rotate(store, NAMES, renew, lambda: utc_now(clock))
    keeping = asyncio.create_task(found.run())
    await until(lambda: store.secrets[NAMES.injector].data["tls.key"] in (tmp_path / "tls.pem").read_bytes())
    clock.advance(TLS_LOOK_S)
    shown = await served(found.context, store.bundle)
    assert shown != before
    assert await served(found.context, trusted_before) == shown  # the API server may not have heard yet
    keeping.cancel()


@pytest.mark.usefixtures("fast_rounds")
async def test_what_is_due_is_renewed(store: MemoryStore, tmp_path: Path) -> None:
    clock = today()
    found = own(store, tmp_path, clock)
    end_unix_s = found.ends_unix_s["injector"]
    clock.advance((LEAF_LIFE * 0.8).total_seconds())
    keeping = asyncio.create_task(found.run())
    await until(lambda: found.ends_unix_s["registry"] > end_unix_s + timedelta(days=60).total_seconds())
    keeping.cancel()


@pytest.mark.usefixtures("fast_rounds")
async def test_a_round_that_fails_is_told_and_tried_again(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    found = own(store, tmp_path, today())

    asked: list[str] = []

    def fail(secret: str) -> None:
        asked.append(secret)
        raise StoreFailed("Secret policy-ca: 403; its service account lacks a right")

    with monkeypatch.context() as broken:
        broken.setattr(store, "read", fail)
        keeping = asyncio.create_task(found.run())
        await until(lambda: len(asked) > 3)
        assert found.problems == ["Secret policy-ca: 403; its service account lacks a right"]
    await until(lambda: not found.problems)
    keeping.cancel()
    assert [record.levelname for record in caplog.records if "403" in record.getMessage()] == ["WARNING"]  # told once


async def test_webhooks_that_are_not_there_yet_keep_nobody_from_starting(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: bytes) -> bool:
        raise StoreFailed("MutatingWebhookConfiguration policy: 404")

    monkeypatch.setattr(store, "trust", missing)
    assert own(store, tmp_path, today()).problems == ["MutatingWebhookConfiguration policy: 404"]


def test_without_its_secrets_it_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(StoreFailed, match="Secret policy-ca: 404"):
        own(MemoryStore(), tmp_path, today())
