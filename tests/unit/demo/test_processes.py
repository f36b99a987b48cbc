from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from sidecar.demo.credit_model import CreditModel
from sidecar.demo.processes import environment, server
from sidecar.demo.workspace import DemoFailed
from sidecar.http1.pool import Pool
from sidecar.http1.target import Target

if TYPE_CHECKING:
    from pathlib import Path

MODEL = CreditModel(("a",), (1.0,), 0.0, 0.5)


def _model_file(folder: Path) -> str:
    (folder / "model.json").write_text(MODEL.to_json())
    return f"credit={folder / 'model.json'}"


async def _is_ready(address: str) -> bool:
    pool = Pool(Target.parse(f"http://{address}"))
    try:
        answer = await pool.send(b"GET", b"/v2/health/ready", (), b"", timeout_s=10)
    finally:
        await pool.aclose()
    return answer.status == 200


def test_a_server_answers_while_its_block_runs_and_is_gone_after(tmp_path: Path) -> None:
    async def run() -> str:
        async with server("sidecar.demo.model_server", [_model_file(tmp_path)], tmp_path / "log") as ready:
            assert await _is_ready(ready["listen"])
        return ready["listen"]

    host, port = asyncio.run(run()).split(":")
    assert not _listens(host, int(port))
    assert (tmp_path / "log").read_bytes() == b""


def test_a_server_is_gone_after_its_block_fails(tmp_path: Path) -> None:
    addresses: list[str] = []

    async def run() -> None:
        async with server("sidecar.demo.model_server", [_model_file(tmp_path)], tmp_path / "log") as ready:
            addresses.append(ready["listen"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())
    host, port = addresses[0].split(":")
    assert not _listens(host, int(port))


def test_a_server_that_does_not_start_fails_with_the_end_of_its_log(tmp_path: Path) -> None:
    async def run() -> None:
        async with server("sidecar.demo.model_server", ["credit=/nowhere"], tmp_path / "log"):
            raise AssertionError

    with pytest.raises(DemoFailed, match=r"(?s)model_server did not start:.*FileNotFoundError"):
        asyncio.run(run())


def test_settings_of_a_sidecar_do_not_reach_the_demos() -> None:
    wanted = {"PATH": "/bin", "HOME": "/root"}
    assert environment({**wanted, "SIDECAR_MODE": "shadow", "SIDECAR_UPSTREAM": "x"}) == wanted


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True
