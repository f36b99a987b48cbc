"""Decision vectors, asked of the engines that are installed here: each must give the whole expected answer."""

from __future__ import annotations

import socket
import subprocess
import time
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from sidecar.authoring.findings import Finding
from sidecar.policy.binding import installed
from sidecar.policy.compose import Modules, compose
from sidecar.policy.private_dir import PrivateDir
from sidecar.policy.problems import PolicyProblems
from sidecar.unix_http import UnixConnection

if TYPE_CHECKING:
    import http.client
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from sidecar.authoring.vectors import Json, Vector

START_LIMIT_S = 30.0
ANSWER_LIMIT_S = 30.0
NO_ANSWER = "no answer"


class Asked(Protocol):
    """An engine that takes one policy after the other."""

    kind: str

    def load(self, modules: Mapping[str, str], data: Json) -> None:
        """Replaces all that it has; raises `PolicyProblems`."""
        ...

    def ask(self, query: str, asked: Json) -> object:
        """The value of `data.sidecar.<query>`, or `NO_ANSWER`."""
        ...


def ask_all(engine: Asked, modules: Mapping[str, str], vectors: Sequence[Vector]) -> Iterator[Finding]:
    """A finding for each vector that does not hold on this engine. `modules`: the policy's, without its tests."""
    by_setting = sorted(vectors, key=lambda one: one.setting)  # so that each policy is loaded once
    for _, alike in groupby(by_setting, key=lambda one: one.setting):
        together = list(alike)
        try:
            engine.load(_changed(modules, together[0].policy), together[0].data)
        except PolicyProblems as problems:
            yield from [_unlike(engine, one, f"is not accepted: {problems.problems[0]}") for one in together]
            continue
        for one in together:
            answer = engine.ask(one.query, one.input)
            if answer != one.expected:
                yield _unlike(engine, one, f"expected {_text(one.expected)}, found {_text(answer)}")


def _changed(modules: Mapping[str, str], policy: Json) -> Mapping[str, str]:
    """The policy with the vector's own files, composed anew."""
    if not policy:
        return modules
    kept = {path: text for path, text in modules.items() if path not in policy.get("delete", ())}
    return compose(Modules(kept | policy.get("set", {}), {})).policies


def _unlike(engine: Asked, vector: Vector, told: str) -> Finding:
    return Finding("vectors", f"{vector.name}, on {engine.kind}: {told}", vector.file, vector.row)


def _text(value: object) -> str:
    return value if value is NO_ANSWER else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def has_embedded() -> bool:
    """Whether the embedded engine is installed."""
    return installed() is not None


class Embedded:
    """regorus, in this process."""

    kind = "embedded"

    def load(self, modules: Mapping[str, str], data: Json) -> None:
        """See `Asked`."""
        from sidecar.policy.embedded import compile_with, parse  # noqa: PLC0415 - an extra

        self._regorus = parse(modules)
        compile_with(self._regorus, orjson.dumps(data).decode())

    def ask(self, query: str, asked: Json) -> object:
        """See `Asked`."""
        try:
            text = self._regorus.decide(f"data.sidecar.{query}", orjson.dumps(asked))
        except Exception:  # whatever it is, it is no answer
            return NO_ANSWER
        return NO_ANSWER if text is None else orjson.loads(text)


class Daemon:
    """One OPA for all settings, which are put into it one after the other."""

    kind = "opa"

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self._modules: Mapping[str, str] = {}

    def load(self, modules: Mapping[str, str], data: Json) -> None:
        """See `Asked`. OPA compiles each module with those present: libraries come first and go last."""
        old, new = self._modules.items(), modules.items()
        for path, _ in sorted(old - new, key=_rank, reverse=True):
            self._call("DELETE", f"/v1/policies/{path}")
        self._modules = dict(old & new)
        for path, text in sorted(new - old, key=_rank):
            self._call("PUT", f"/v1/policies/{path}", text.encode())
            self._modules = {**self._modules, path: text}
        self._call("PUT", "/v1/data", orjson.dumps(data))

    def ask(self, query: str, asked: Json) -> object:
        """See `Asked`."""
        try:
            return self._call("POST", f"/v1/data/sidecar/{query}", orjson.dumps({"input": asked})).get(
                "result", NO_ANSWER
            )
        except PolicyProblems:
            return NO_ANSWER

    def _call(self, method: str, path: str, body: bytes = b"") -> dict[str, Any]:
        self._connection.request(method, path, body, {"Content-Type": "application/json"} if method == "POST" else {})
        answer = self._connection.getresponse()
        content = answer.read()
        shape: dict[str, Any] = orjson.loads(content) if content else {}
        if answer.status >= 300:
            errors = [str(error["message"]) for error in shape.get("errors", ())]
            raise PolicyProblems(errors or [str(shape.get("message", f"OPA answers {answer.status}"))])
        return shape


def _rank(module: tuple[str, str]) -> tuple[int, str]:
    path, text = module
    order = ("lib", "guards", "sidecar")
    package = text.partition("package ")[2].partition(".")[0]
    return (order.index(package) if package in order else len(order)), path


@contextmanager
def opa_daemon(binary: Path) -> Generator[Daemon]:
    """A running OPA with nothing in it; raises `PolicyProblems` where it does not start."""
    directory = PrivateDir()
    path = directory.path / "opa.sock"
    command = [
        str(binary),
        "run",
        "--server",
        "--addr",
        f"unix://{path}",
        "--skip-version-check",
        "--log-level",
        "error",
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - OPA
    connection = UnixConnection(path, timeout_s=ANSWER_LIMIT_S)
    try:
        _wait_for(path, process)
        yield Daemon(connection)
    finally:
        connection.close()
        process.kill()
        process.wait()
        directory.close()


def _wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_LIMIT_S
    while process.poll() is None and time.monotonic() < deadline_s:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.01)
    raise PolicyProblems(["OPA did not begin to answer"])
