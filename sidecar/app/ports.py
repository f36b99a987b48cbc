"""The sockets of one process, bound before anything is started: a port in use is told at once."""

from __future__ import annotations

import errno
import os
import socket
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.app.problems import StartProblems
from sidecar.serving import bind_port
from sidecar.tls_files import TlsFiles, TlsFilesInvalid

if TYPE_CHECKING:
    import contextlib
    from pathlib import Path

    from sidecar.settings import Settings


@dataclass(frozen=True, slots=True)
class Ports:
    """Bound, not yet served by anyone. `tls` is the data port's; None: plain text."""

    data: socket.socket
    admin: socket.socket
    control: socket.socket | None
    tls: TlsFiles | None


def bind(settings: Settings, stack: contextlib.AsyncExitStack) -> Ports:
    """All of them, closed with `stack`. Raises StartProblems with what is wrong with each."""
    problems: list[str] = []
    found: dict[str, socket.socket | None] = {"control": None}
    for name, address in (("listen", settings.listen), ("admin", settings.admin)):
        found[name] = bind_port(f"--{name}", address.host, address.port, stack, problems)
    if settings.control is not None:
        try:
            found["control"] = stack.enter_context(unix_listener(settings.control))
        except OSError as error:
            problems.append(f"--control {settings.control}: {error.strerror or error}")
    tls = tls_of(settings, problems)
    data, admin = found.get("listen"), found.get("admin")
    if problems or data is None or admin is None:
        raise StartProblems(problems)
    return Ports(data, admin, found["control"], tls)


def tls_of(settings: Settings, problems: list[str]) -> TlsFiles | None:
    """The data port's certificate; None where there is none, or it is no good: see `problems`."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    try:
        return TlsFiles(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    except TlsFilesInvalid as invalid:
        problems.append(f"--tls-cert: {invalid}")
        return None


def unix_listener(path: Path) -> socket.socket:
    """A listener that only its owner reaches: it answers /status and /decisions. Raises OSError."""
    _clear(path)
    listener = socket.socket(socket.AF_UNIX)
    mask = os.umask(0o177)  # before `bind`, which makes the file: a later chmod would leave a moment between
    try:
        listener.bind(str(path))
        listener.listen(16)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    return listener


def _clear(path: Path) -> None:
    """Removes a socket whose process is gone, and nothing else: `path` may be a mistake."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OSError(errno.EEXIST, "there is something else than a socket, which is left alone; choose another path")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, "another process listens there")
