"""Programs that the cluster runs: found, started so that none outlives us, or run to their end."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = REPOSITORY / ".servers" / "kubernetes"
COMMAND_TIMEOUT_S = 120.0
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
NEEDED = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "helm", "runc")
SYSTEM = ("ip", "mount", "umount", "setpriv", "unshare")


class ClusterError(RuntimeError):
    """The cluster does not start, or something in it is not as its user assumed. The message tells, with a log."""


class CommandFailed(ClusterError):
    """A command that ended with an error. `stderr` is what it said."""

    def __init__(self, command: Sequence[str], stderr: str) -> None:
        super().__init__(f"{' '.join(command)}:\n{stderr}")
        self.stderr = stderr


def missing() -> list[str]:
    """Why no cluster can run here, each with its remedy; empty where one can."""
    found = [f"{name}: run scripts/install-kubernetes" for name in NEEDED if not (TOOLS / name).exists()]
    found += [f"{name}: install iproute2 and util-linux" for name in SYSTEM if not shutil.which(name, path=SYSTEM_PATH)]
    if any((TOOLS / name).resolve().is_relative_to("/tmp") for name in NEEDED):
        found.append(
            "a cache outside /tmp, for pods have their own /tmp: set SIDECAR_CACHE, run scripts/install-kubernetes"
        )
    return found if os.geteuid() == 0 else [*found, "root: pods need namespaces and mounts, run as root"]


def tool(name: str) -> str:
    """The path of a program that scripts/install-kubernetes installed."""
    return str(TOOLS / name)


def run(*command: str, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """The standard output of a command that succeeds. Raises CommandFailed."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_TIMEOUT_S,
        env={**os.environ, "PATH": SYSTEM_PATH, **(env or {})},
        check=False,
    )
    if done.returncode:
        raise CommandFailed(command, done.stderr or done.stdout)
    return done.stdout


@contextmanager
def program(log: Path, *command: str, keep_open: Sequence[int] = ()) -> Generator[subprocess.Popen[bytes]]:
    """A program in the background, its output in `log`; killed at the end.

    The kernel kills it where the thread that started it ends without doing so: as a rule a test run's only one.
    `keep_open`: file descriptors that it inherits.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C in a terminal reaches only us
            pass_fds=keep_open,
            env={**os.environ, "PATH": SYSTEM_PATH},
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def tail(log: Path, limit_bytes: int = 3000) -> str:
    """The end of a log."""
    return log.read_bytes()[-limit_bytes:].decode(errors="replace")
