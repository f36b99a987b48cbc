"""Makes a child OPA for each bundle: checked, started, and gone with its directory when it is closed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.http1.target import Target
from sidecar.model.refusal import Refused
from sidecar.policy.events import NoEvents
from sidecar.policy.logs import QuietLog
from sidecar.policy.opa import OpaClient, OpaEngine
from sidecar.policy.opa_check import CHECK_LIMIT_S, TOO_LONG, check_command, problems_told, write_files
from sidecar.policy.opa_process import OpaProcess
from sidecar.policy.private_dir import SOCKET_PATH_LIMIT_BYTES, PrivateDir, remove_stale
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from sidecar.model.clock import Clock
    from sidecar.policy.bundle import Bundle
    from sidecar.policy.events import PolicyEvents

SMALL_DATA_BYTES = 4 * 1024 * 1024
"""Below this OPA collects its garbage less often (GOGC 400): a quarter less CPU for some 25 MB more memory."""
SOCKET_NAME = "opa.sock"
START_LIMIT_S = 30.0
"""Loading a million revocations takes some seconds."""


def find_opa(explicit: Path | None = None) -> Path | None:
    """OPA's binary: the one given, else beside this Python (`.venv/bin/opa`), else on PATH; None without one.

    Raises `PolicyProblems` where the given one is no executable file.
    """
    if explicit is not None:
        if not _is_executable(explicit):
            raise PolicyProblems([f"{explicit} is not an executable file"])
        return explicit
    beside = Path(sys.executable).parent / "opa"
    if _is_executable(beside):
        return beside
    found = shutil.which("opa")
    return None if found is None else Path(found)


def _is_executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


class ChildEngine:
    """One bundle's OPA: the engine, the process behind it, and the directory that both use."""

    kind = "opa"

    def __init__(self, engine: OpaEngine, process: OpaProcess, directory: PrivateDir) -> None:
        self.socket = directory.path / SOCKET_NAME
        self._engine = engine
        self._directory = directory
        self.process = process
        self.decide = engine.decide
        self.facts = engine.facts

    async def aclose(self) -> None:
        """Drains, then ends the process and removes its directory."""
        await self._engine.aclose()
        await self.process.aclose()
        self._directory.close()


class ChildMaker:
    """Starts one OPA for each bundle, after `opa check --strict` with our capabilities."""

    kind = "opa"

    def __init__(self, binary: Path, *, timeout_s: float, clock: Clock, events: PolicyEvents | None = None) -> None:
        self._binary = binary
        self._timeout_s = timeout_s
        self._clock = clock
        self._events = events or NoEvents()
        self.restarts = 0
        remove_stale()

    async def make(self, bundle: Bundle) -> ChildEngine:
        """A checked, started and answering OPA; raises `PolicyProblems`."""
        directory = PrivateDir()
        try:
            archive, modules = directory.path / "bundle.tar.gz", directory.path / "modules"
            await asyncio.to_thread(_lay_out, bundle, archive, modules)
            await self._check(modules)
            return await self._start(archive, directory, small=len(bundle.data_json) < SMALL_DATA_BYTES)
        except BaseException:
            directory.close()
            raise

    async def _check(self, modules: Path) -> None:
        """Over the plain modules: of an archive OPA tells only the first that does not parse."""
        try:
            process = await asyncio.create_subprocess_exec(
                *check_command(self._binary, restricted=True),
                cwd=modules,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
        except OSError as error:
            raise PolicyProblems([f"OPA cannot be started: {error}"]) from None
        try:
            async with asyncio.timeout(CHECK_LIMIT_S):
                told, _ = await process.communicate()
        except TimeoutError:
            raise PolicyProblems([TOO_LONG]) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise PolicyProblems(problems_told(told))

    async def _start(self, archive: Path, directory: PrivateDir, *, small: bool) -> ChildEngine:
        socket = directory.path / SOCKET_NAME
        if len(os.fsencode(socket)) > SOCKET_PATH_LIMIT_BYTES:
            raise PolicyProblems([f"{socket} is too long for a Unix socket: set TMPDIR to a shorter one"])
        quiet = QuietLog(self._clock)
        process = OpaProcess(
            self._command(archive, socket),
            socket,
            quiet,
            self._restarted,
            environment={"GOGC": "400"} if small else {},
        )
        client = OpaClient(Target.parse(f"unix://{socket}"), self._clock)
        try:
            await process.start()
            await _answering(client, process)
        except BaseException:
            await client.aclose()
            await process.aclose()
            raise
        process.supervise()
        return ChildEngine(OpaEngine(client, timeout_s=self._timeout_s), process, directory)

    def _command(self, archive: Path, socket: Path) -> list[str]:
        return [
            *(str(self._binary), "run", "--server", "--addr", f"unix://{socket}", "--bundle", str(archive)),
            *("--log-level", "error", "--log-format", "json", "--skip-version-check"),
        ]

    def _restarted(self) -> None:
        self.restarts += 1
        self._events.engine_restarted()


def _lay_out(bundle: Bundle, archive: Path, modules: Path) -> None:
    archive.write_bytes(bundle.archive())
    write_files(modules, bundle.modules)


async def _answering(client: OpaClient, process: OpaProcess) -> None:
    """Waits until the daemon answers; raises `PolicyProblems` if it ends, or after `START_LIMIT_S`."""
    try:
        async with asyncio.timeout(START_LIMIT_S):
            while not await _answers(client):
                await process.check_alive()
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise PolicyProblems(["OPA did not begin to answer in time"]) from None


async def _answers(client: OpaClient) -> bool:
    try:
        await client.facts()
    except Refused as refusal:
        # Whatever else it says is for the activation to judge.
        return refusal.reasons[0].code != "policy_unavailable"
    return True
