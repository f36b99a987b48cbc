from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from sidecar.unix_http import UnixConnection

if TYPE_CHECKING:
    from pathlib import Path


def test_a_request_over_a_socket(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def serve() -> None:
            client, _ = listener.accept()
            with client:
                heard.append(client.recv(65_536).partition(b"\r\n")[0])
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

        thread = threading.Thread(target=serve)
        thread.start()
        connection = UnixConnection(path, timeout_s=5)
        connection.request("GET", "/status")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"hi")
        connection.close()
        thread.join()
    assert heard == [b"GET /status HTTP/1.1"]


def test_who_does_not_answer_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        connection = UnixConnection(path, timeout_s=0.05)
        connection.request("GET", "/")
        with pytest.raises(TimeoutError):
            connection.getresponse()
        connection.close()
