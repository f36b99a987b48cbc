from __future__ import annotations

import ssl
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from sidecar.consent.fetch import JWKS_LIMIT_BYTES, FetchError, https_get
from tests.certificates import self_signed

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
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="module")
def server(certificate: tuple[Path, Path]) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    http = HTTPServer(("127.0.0.1", 0), Handler)
    http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://localhost:{http.server_address[1]}"
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate[0]))


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
