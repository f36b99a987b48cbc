"""A real `sidecar registry serve`, started, stopped and killed as often as a test likes, with a token for each role."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from sidecar.registry.access.callers import Role
from sidecar.registry.access.token_file import made
from tests.process import Answer, fetch
from tests.servers.process import ServerError, free_ports

if TYPE_CHECKING:
    from collections.abc import Mapping

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
REPOSITORY = Path(__file__).resolve().parents[2]


class RegistryServer:
    """One registry on one port, over an SQLite file in `folder` unless `database` says otherwise.

    `tokens`: one for each role by its name, and `person`: an admin who is a person.
    """

    def __init__(self, folder: Path, *flags: str, database: str = "", name: str = "registry") -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder}/registry.db"
        self.log_file = folder / f"{name}.log"
        self.ready: Mapping[str, Any] = {}
        [self._port] = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self.process: subprocess.Popen[bytes] | None = None
        self.tokens: dict[str, str] = {}
        self._flags = ("--tokens", str(self._write_tokens(folder / f"{name}-tokens.yaml")), *flags)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Returns when it is ready. Raises ServerError."""
        where = ["--database", self.database, "--listen", f"127.0.0.1:{self._port}"]
        command = [sys.executable, "-m", "sidecar", "registry", "serve", *where, *self._flags]
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY, env=dict(os.environ)
            )
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        line = self.process.stdout.readline() if readable else b""
        if not line:
            self.kill()
            raise ServerError(f"the registry did not start:\n{self.log_file.read_text()[-3000:]}")
        self.ready = json.loads(line)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(STOP_TIMEOUT_S)
        self._close()
        return code

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self._close()

    def ask(self, method: str, path: str, body: object = None, role: str | None = "admin", **headers: str) -> Answer:
        """One request by a role, None: by nobody. `body`: bytes as they are, or what becomes JSON."""
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        named = {"Content_Type": "application/json"} if content is not None else {}
        if role is not None:
            named["Authorization"] = f"Bearer {self.tokens[role]}"
        return fetch(self.url + path, content, method, **{**named, **headers})

    def _write_tokens(self, path: Path) -> Path:
        lines: list[str] = []
        for name, role, person in [*((role.value, role, False) for role in Role), ("person", Role.ADMIN, True)]:
            self.tokens[name], line = made(name, [role], person=person)
            lines.append(line)
        path.write_text("".join(lines))
        return path

    def _close(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process = None
