"""The testbed itself: servers answer by the model's formula, show what reached them, and end for good."""

from __future__ import annotations

import json
import socket
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.fixtures import require
from tests.servers.process import ModelServer, ServerError
from tests.servers.run import SERVERS, fakellm, kserve, mlserver, torchserve, triton

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.heavy


ALONE = {"kserve": 0, "fakellm": 0}
"""Servers of one process; the others start more."""


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


def test_triton_serves_the_model() -> None:
    require("triton")
    with triton() as server:
        example = post(server, server.example)
        tensor = {"name": "forced_score", "shape": [1], "datatype": "FP64", "data": [0.9]}
        seen = post(server, {"inputs": [tensor], "outputs": [{"name": "score"}, {"name": "received_headers"}]})
        told = post(replace(server, infer_path="/v2/models/story/generate"), {"text_input": "0.7"})
        words = {"name": "words", "shape": [2, 1], "datatype": "BYTES", "data": ["a", "b"]}
        echoed = post(replace(server, infer_path="/v2/models/echo/infer"), {"inputs": [words]})
    assert example["outputs"] == [
        {"name": "score", "datatype": "FP64", "shape": [1], "data": [0.5]},
        {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["approve"]},
    ]
    score, headers = seen["outputs"]
    assert score["data"] == [0.9]
    assert json.loads(headers["data"][0])["X-Data-Version"] == "loans-1"
    model = {"model_name": "story", "model_version": "1"}
    assert told == {**model, "label": "approve", "score": 0.7, "text_output": "0.7"}
    assert [output["data"] for output in echoed["outputs"]] == [["a", "b"], [0.5, 0.5], ["approve", "approve"]]


def test_kserve_serves_the_model() -> None:
    require("kserve")
    with kserve() as server:
        example = post(server, server.example)
        seen = post(server, {"instances": [{"forced_score": 0.1, "echo_headers": True}]})
        tensor = {"name": "forced_score", "shape": [2], "datatype": "FP64", "data": [0.9, 0.2]}
        v2 = post(replace(server, infer_path="/v2/models/credit/infer"), {"inputs": [tensor]})
        explained = post(replace(server, infer_path="/v1/models/credit:explain"), server.example)
    assert example == {"predictions": [{"score": 0.5, "label": "approve"}]}
    [row] = seen["predictions"]
    assert (row["score"], row["label"]) == (0.1, "deny")
    assert row["received_headers"]["x-data-version"] == "loans-1"
    assert [output["data"] for output in v2["outputs"]] == [[0.9, 0.2], ["approve", "deny"]]
    assert explained == {**example, "explanations": [{"income": 0.4, "loan_amount": -0.6}]}


def test_fakellm_answers_by_its_rules() -> None:
    require("fakellm")
    with fakellm() as server:
        example = post(server, server.example)
        forced = post(server, {"model": "credit", "messages": [{"role": "user", "content": "forced_score 0.9"}]})
    contents = [answer["choices"][0]["message"]["content"] for answer in (example, forced)]
    assert contents == ["0.5 approve", "0.9 approve"]


@pytest.mark.parametrize("kind", sorted(SERVERS))
def test_nothing_is_left(kind: str) -> None:
    require(kind)
    with SERVERS[kind](0) as server:
        ports = {int(url.rpartition(":")[2]) for url in (server.url, server.management_url)}
        folder = server.log.parent
        assert all(map(listens, ports))
        assert len(started_in(folder)) > ALONE.get(kind, 1)  # the launcher and what it started
    assert not any(map(listens, ports))
    assert started_in(folder) == []
    assert not folder.exists()


def test_a_port_in_use_is_told_before_anything_starts() -> None:
    require("mlserver")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port}: "), mlserver(port):
            pass
