from __future__ import annotations

import datetime
import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sidecar.consent.fetch import JWKS_LIMIT_BYTES, FetchError, https_get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BODY = b'{"keys":[]}'


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/jwks.json?x=1")
            self.end_headers()
        elif self.path in {"/jwks.json?x=1", "/big"}:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(BODY if "x" in self.path else b" " * (JWKS_LIMIT_BYTES + 1))
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    http = HTTPServer(("127.0.0.1", 0), Handler)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://localhost:{http.server_address[1]}"
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def test_the_body_of_a_200_is_fetched_over_real_tls(server: str, trusting: ssl.SSLContext) -> None:
    assert https_get(f"{server}/jwks.json?x=1", context=trusting) == BODY


@pytest.mark.parametrize(
    ("path", "why"), [("/moved", "status 302"), ("/none", "status 404"), ("/big", "more than 1048576 bytes")]
)
def test_anything_else_is_refused(server: str, trusting: ssl.SSLContext, path: str, why: str) -> None:
    with pytest.raises(FetchError, match=why):
        https_get(server + path, context=trusting)


def test_a_server_that_no_authority_vouches_for_is_refused(server: str) -> None:
    with pytest.raises(FetchError, match="CERTIFICATE_VERIFY_FAILED"):
        https_get(f"{server}/jwks.json?x=1")


def test_a_proxy_of_the_environment_is_not_used(
    server: str, trusting: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    assert https_get(f"{server}/jwks.json?x=1", context=trusting) == BODY


@pytest.mark.parametrize("url", ["http://localhost/k", "file:///etc/passwd", "https://", "https:///k"])
def test_only_https_is_fetched(url: str) -> None:
    with pytest.raises(FetchError, match="https"):
        https_get(url)
