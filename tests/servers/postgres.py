"""A real PostgreSQL of its own for a test: `scripts/install-postgres` makes it available.

A PostgreSQL that is not there skips its tests with the remedy; in CI (`CI` is set) it fails them.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.servers.process import ServerError, free_ports

PROGRAMS = Path(__file__).resolve().parents[2] / ".servers" / "postgresql"
START_TIMEOUT_S = 30.0
USER = "sidecar"


class PostgresServer:
    """On one port, with as many databases as tests ask for; started and killed as often as a test likes.

    It sorts texts as people do, not by their bytes: what relies on the order of bytes must say so itself.
    """

    def __init__(self) -> None:
        """Makes the cluster. PostgreSQL refuses to run as root, so the folder belongs to another user then."""
        self._folder = Path(tempfile.mkdtemp(prefix="sidecar-postgres-"))
        self._user = _other_user() if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        [self._port] = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        locale = ["--locale=C", "--locale-provider=icu", "--icu-locale=en"]
        self._run("initdb", "-D", "data", "-U", USER, "--auth=trust", "--encoding=UTF8", "--no-sync", *locale)

    def start(self) -> None:
        """Returns when it answers. Raises ServerError."""
        log = self._folder / "postgres.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", "data", "-F", "-p", str(self._port), *_LOCAL],
                cwd=self._folder,
                user=self._user,
                stdout=output,
                stderr=output,
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise ServerError(f"PostgreSQL did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.02)

    def url(self, database: str = "postgres") -> str:
        """Of one of its databases."""
        return f"postgresql://{USER}@127.0.0.1:{self._port}/{database}"

    def new_database(self, template: str = "template1") -> str:
        """The name of a new database: a copy of `template`, to which nobody may be connected."""
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return name

    def kill(self) -> None:
        """At once, as by a crash, if it runs. What was committed is there after the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # with its children, which SIGKILL would leave behind
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Ends it, and all that it held."""
        self.kill()
        shutil.rmtree(self._folder)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [PROGRAMS / program, *arguments], cwd=self._folder, user=self._user, capture_output=True, check=False
        )
        if done.returncode != 0:
            raise ServerError(f"{program}: {done.stderr.decode(errors='replace')[-3000:]}")


_LOCAL = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]


def _other_user() -> str:
    """The user that a package of PostgreSQL has made, or else one that can do nothing."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def require_postgres() -> None:
    """Skips the test where there is no PostgreSQL; fails it in CI."""
    if PROGRAMS.exists():
        return
    missing = "there is no PostgreSQL here: run scripts/install-postgres"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
