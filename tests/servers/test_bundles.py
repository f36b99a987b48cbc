"""The bundle server speaks OPA's protocol: tags, waiting, and nothing to whom it hangs up on."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request

import pytest

from tests.servers.bundles import LONG_POLLING, BundleServer, bundle_server

WAIT_S = 20


def get(server: BundleServer, **headers: str) -> tuple[int, str, bytes]:
    """Status, tag and body of the bundle `data`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/data.tar.gz", headers=named)
    try:
        with urllib.request.urlopen(request, timeout=2 * WAIT_S) as answer:
            assert answer.headers["Content-Type"] == LONG_POLLING
            return answer.status, answer.headers["ETag"], answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["ETag"], error.read()


def test_what_was_put_is_served_until_it_is_known() -> None:
    with bundle_server() as server:
        assert get(server)[0] == 404
        server.put("data", b"one")
        status, tag, body = get(server)
        assert (status, body) == (200, b"one")
        assert get(server, If_None_Match=tag) == (304, tag, b"")
        server.put("data", b"two")
        assert get(server, If_None_Match=tag)[2] == b"two"


def test_whoever_waits_is_told_of_a_change_at_once() -> None:
    with bundle_server() as server:
        server.put("data", b"one")
        _, tag, _ = get(server)
        started_s = time.monotonic()
        assert get(server, If_None_Match=tag, Prefer="modes=snapshot,delta;wait=1")[0] == 304
        assert time.monotonic() - started_s >= 1
        changing = threading.Timer(0.1, server.put, ("data", b"two"))
        changing.start()
        assert get(server, If_None_Match=tag, Prefer=f"wait={WAIT_S}")[2] == b"two"
        changing.join()


def test_a_stopped_server_answers_nobody_and_can_be_started_again() -> None:
    with bundle_server() as server:
        server.put("data", b"one")
        _, tag, _ = get(server)
        stopping = threading.Timer(0.1, server.stop)
        stopping.start()
        with pytest.raises(OSError):  # noqa: PT011 - urllib's and http.client's own words for it
            get(server, If_None_Match=tag, Prefer=f"wait={WAIT_S}")
        stopping.join()
        with pytest.raises(OSError):  # noqa: PT011
            get(server)
        server.start()
        assert get(server)[2] == b"one"
