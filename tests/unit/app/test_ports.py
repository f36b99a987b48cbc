"""The control socket's file: whose it is, who may reach it, and what is never removed for it."""

from __future__ import annotations

import os
import socket
import stat
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from sidecar.app.ports import bind, unix_listener
from sidecar.app.problems import StartProblems
from sidecar.serving import name_of
from sidecar.settings import load

if TYPE_CHECKING:
    from pathlib import Path


def test_only_the_owner_reaches_it_and_the_umask_is_as_before(tmp_path: Path) -> None:
    mask = os.umask(0o022)
    try:
        with unix_listener(tmp_path / "control.sock"):
            assert stat.S_IMODE((tmp_path / "control.sock").lstat().st_mode) == 0o600
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(mask)


def test_a_socket_whose_process_is_gone_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    unix_listener(path).close()
    with unix_listener(path), socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_socket_that_answers_stays(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with unix_listener(path), pytest.raises(OSError, match="another process listens there"):
        unix_listener(path)


def test_what_is_not_a_socket_stays(tmp_path: Path) -> None:
    file, folder, link = tmp_path / "file", tmp_path / "folder", tmp_path / "link"
    file.write_text("kept")
    folder.mkdir()
    link.symlink_to(file)
    for path in (file, folder, link):
        with pytest.raises(OSError, match="something else than a socket"):
            unix_listener(path)
    assert (file.read_text(), folder.is_dir(), link.is_symlink()) == ("kept", True, True)


def test_a_path_that_cannot_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        unix_listener(tmp_path / ("x" * 200))


async def test_every_port_that_cannot_be_had_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = load(
            {
                "upstream": "http://127.0.0.1:1",
                "server": "triton",
                "consent": "off",
                "listen": name_of(taken),
                "admin": "127.0.0.1:0",
                "control": tmp_path / "empty.pem",
                "tls_cert": tmp_path / "empty.pem",
                "tls_key": tmp_path / "empty.pem",
            }
        )
        async with AsyncExitStack() as stack:
            with pytest.raises(StartProblems) as told:
                bind(settings, stack)
    flags = [problem.split(" ")[0].rstrip(":") for problem in told.value.problems]
    assert flags == ["--listen", "--control", "--tls-cert"]
