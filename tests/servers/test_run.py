"""The testbed itself: servers answer by the model's formula, show what reached them, and end for good."""

from __future__ import annotations

import json
import socket
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.fixtures import require
from tests.servers.process import ModelServer, ServerError
from tests.servers.run import SERVERS, mlserver, torchserve

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.e2e


def post(server: ModelServer, body: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "X-Data-Version": "loans-1"}
    request = urllib.request.Request(server.url + server.infer_path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def started_in(folder: Path) -> list[int]:
    """The processes whose working directory is, or was, that folder."""
    pids: list[int] = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        try:
            target = str(link.readlink())
        except OSError:  # it has ended, or is another user's
            continue
        if target.removesuffix(" (deleted)") == str(folder):
            pids.append(int(link.parent.name))
    return pids


def test_mlserver_serves_the_model() -> None:
    require("mlserver")
    with mlserver() as server:
        example = post(server, server.example)
        tensor = {"name": "forced_score", "shape": [1], "datatype": "FP64", "data": [0.9]}
        seen = post(server, {"inputs": [tensor], "outputs": [{"name": "score"}, {"name": "received_headers"}]})
    assert example["outputs"] == [
        {"name": "score", "shape": [1], "datatype": "FP64", "data": [0.5]},
        {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["approve"]},
    ]
    score, headers = seen["outputs"]
    assert score["data"] == [0.9]
    assert json.loads(headers["data"][0])["x-data-version"] == "loans-1"


def test_torchserve_serves_the_model() -> None:
    require("torchserve")
    with torchserve() as server:
        example = post(server, server.example)
        seen = post(server, {"forced_score": 0.1, "echo_headers": True})
    assert example == {"score": 0.5, "label": "approve"}
    assert (seen["score"], seen["label"]) == (0.1, "deny")
    assert seen["received_headers"]["X-Data-Version"] == "loans-1"


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_nothing_is_left(kind: str) -> None:
    require(kind)
    with SERVERS[kind](0) as server:
        ports = {int(url.rpartition(":")[2]) for url in (server.url, server.management_url)}
        folder = server.log.parent
        assert all(map(listens, ports))
        assert len(started_in(folder)) > 1  # the launcher and what it started
    assert not any(map(listens, ports))
    assert started_in(folder) == []
    assert not folder.exists()


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    require("mlserver")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port}: "), mlserver(port):
            pass
