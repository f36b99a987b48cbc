"""Both engines give the same whole answer to each decision vector."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import httpx2 as httpx
import orjson
import pytest

from sidecar.policy.embedded import compile_with, parse
from sidecar.policy.port import Answer
from sidecar.policy.verdict import read as read_decision
from tests.conformance import vectors
from tests.conformance.vectors import Setting, Vector, differences
from tests.policies import opa_binary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from sidecar.policy.binding import Regorus


class Daemon:
    """One OPA for all settings, which are put into it one after the other."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._modules: Mapping[str, str] = {}

    def load(self, setting: Setting) -> None:
        """OPA compiles each module with those present: libraries come first and go last."""
        old, new = self._modules.items(), setting.modules.items()
        for path, _ in sorted(old - new, key=_rank, reverse=True):
            self._client.delete(f"/v1/policies/{path}").raise_for_status()
        for path, text in sorted(new - old, key=_rank):
            self._client.put(f"/v1/policies/{path}", content=text).raise_for_status()
        self._modules = setting.modules
        self._client.put("/v1/data", content=setting.data_json).raise_for_status()

    def ask(self, vector: Vector) -> object:
        body = '{"input":' + vector.input_json + "}"
        return self._client.post(f"/v1/data/sidecar/{vector.query}", content=body).json()["result"]


def _rank(module: tuple[str, str]) -> tuple[int, str]:
    path, _ = module
    return ("lib", "guards", "sidecar").index(path.partition("/")[0]), path


@contextmanager
def _running(path: Path) -> Iterator[httpx.Client]:
    command = [str(opa_binary()), "run", "--server", "--addr", f"unix://{path}", "--skip-version-check"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_for(path, process)
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://opa") as client:
                yield client
        finally:
            process.kill()


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
    pytest.fail("OPA ended at once")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with _running(tmp_path_factory.mktemp("opa") / "s") as client:
        yield Daemon(client)


@cache
def _parsed(modules: tuple[tuple[str, str], ...]) -> Regorus:
    return parse(dict(modules))


def _embedded(setting: Setting) -> Regorus:
    engine = _parsed(tuple(sorted(setting.modules.items()))).clone()
    compile_with(engine, setting.data_json)
    return engine


def _asked(regorus: Regorus, vector: Vector) -> object:
    regorus.engine.set_input_json(vector.input_json)
    return orjson.loads(regorus.engine.eval_rule_as_json(f"data.sidecar.{vector.query}"))


@pytest.mark.parametrize("stem", vectors.FILES)
def test_opa(daemon: Daemon, stem: str) -> None:
    found: list[tuple[Vector, object]] = []
    for setting, asked in vectors.read(stem):
        daemon.load(setting)
        found += [(vector, daemon.ask(vector)) for vector in asked]
    assert found
    assert "\n".join(differences(found)) == ""


@pytest.mark.parametrize("stem", vectors.FILES)
def test_embedded(stem: str) -> None:
    found: list[tuple[Vector, object]] = []
    for setting, asked in vectors.read(stem):
        engine = _embedded(setting)
        found += [(vector, _asked(engine, vector)) for vector in asked]
    assert found
    assert "\n".join(differences(found)) == ""


@pytest.mark.parametrize("stem", vectors.FILES)
def test_each_expected_decision_is_one_by_contract(stem: str) -> None:
    for _, asked in vectors.read(stem):
        for vector in asked:
            if vector.query == "decision":
                read_decision(Answer(vector.expected, "r1"))
