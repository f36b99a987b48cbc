"""Over real sockets, on an address of this machine that is not the one everybody else uses."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING

import pytest

from sidecar.app.problems import StartProblems
from sidecar.app.self_check import SelfCheck, self_check_room
from sidecar.settings import Address, load
from tests.lab import Lab, lab
from tests.unit.audit.logs import until

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.settings import Settings

pytestmark = pytest.mark.anyio

HOST = "127.0.0.9"
"""Linux has all of 127/8; the settings would refuse it, and are tested apart."""
REMEDY = "have the model server listen on 127.0.0.1 alone, or close the port"


def listening(port: int = 0) -> socket.socket:
    return socket.create_server((HOST, port))


def port_of(bound: socket.socket) -> int:
    return bound.getsockname()[1]


def free_port() -> int:
    with listening() as bound:
        return port_of(bound)


async def test_a_port_that_answers_is_exposed_until_it_no_longer_does(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with listening() as model:
        port, closed = port_of(model), free_port()
        check = SelfCheck(HOST, [port, closed], strict=True)
        assert check.reasons() == [
            f"nothing shows yet that the model is not reachable on {HOST}:{each}" for each in (port, closed)
        ]
        await check.look()
        assert (check.answers, check.exposed) == ({port: True, closed: False}, [port])
        assert check.reasons() == [f"the model is reachable past the sidecar on {HOST}:{port}; {REMEDY}"]
    await check.look()
    assert (check.exposed, check.reasons()) == ([], [])
    await check.look()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", f"the model is reachable past the sidecar on {HOST}:{port}; {REMEDY}"),
        ("INFO", f"the model is no longer reachable past the sidecar on {HOST}:{port}"),
    ]


async def test_a_check_that_warns_is_no_obstacle() -> None:
    with listening() as model:
        check = SelfCheck(HOST, [port_of(model)])
        assert check.reasons() == []
        await check.look()
        assert (check.exposed, check.reasons()) == ([port_of(model)], [])


async def test_where_nobody_answers_in_time_what_was_known_stays() -> None:
    """A server whose queue of connections is full answers none of them; this one has room for one."""
    with socket.socket() as model:
        model.bind((HOST, 0))
        model.listen(0)
        port = port_of(model)
        check, late = (SelfCheck(HOST, [port], strict=True) for _ in range(2))
        await check.look()
        await check.look()
        await late.look()
        assert (check.answers, late.answers) == ({port: True}, {port: None})
        assert late.reasons() == [f"nothing shows yet that the model is not reachable on {HOST}:{port}"]


def settings(tmp_path: Path, **flags: object) -> Settings:
    needed = {"upstream": "http://127.0.0.1:1", "server": "triton", "consent": "off", "audit_dir": tmp_path / "audit"}
    return load({**needed, "admin": "127.0.0.1:0"}).model_copy(update=flags)


def events(it: Lab) -> list[object]:
    return [(record["event"], record["details"]) for record in it.records() if record["kind"] == "EVENT"]


async def test_each_change_is_on_record_and_our_own_ports_are_no_finding(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        with listening() as model, listening() as own:
            port, ours = port_of(model), port_of(own)
            flags = {
                "self_check": "strict",
                "self_check_host": HOST,
                "self_check_ports": (port, ours),
                "listen": Address(HOST, ours),
            }
            async with self_check_room(settings(tmp_path, **flags), it.trail) as check:
                assert check.answers == {port: True}
                await until(lambda: len(events(it)) == 1)
                model.close()
                await until(lambda: len(events(it)) == 2)
        assert events(it) == [
            ("exposure_changed", {"host": HOST, "exposed_ports": [port]}),
            ("exposure_changed", {"host": HOST, "exposed_ports": []}),
        ]


@pytest.mark.parametrize("listen", ["0.0.0.0", "::"])
async def test_a_port_of_ours_on_every_address_is_no_finding(tmp_path: Path, listen: str) -> None:
    flags = {"self_check": "warn", "self_check_host": HOST, "self_check_ports": (7,), "listen": Address(listen, 7)}
    async with lab(tmp_path) as it, self_check_room(settings(tmp_path, **flags), it.trail) as check:
        assert check.answers == {}


async def test_off_it_looks_at_nothing(tmp_path: Path) -> None:
    with listening() as model:
        flags = {"self_check_host": HOST, "self_check_ports": (port_of(model),)}
        async with lab(tmp_path) as it, self_check_room(settings(tmp_path, **flags), it.trail) as check:
            assert (check.answers, check.reasons()) == ({}, [])


async def test_the_address_of_another_machine_stops_the_start(tmp_path: Path) -> None:
    flags = {"self_check": "warn", "self_check_host": "192.0.2.1", "self_check_ports": (8080,)}
    async with lab(tmp_path) as it:
        with pytest.raises(StartProblems) as told:
            async with self_check_room(settings(tmp_path, **flags), it.trail):
                pass
    assert told.value.problems == [
        "--self-check-host 192.0.2.1: Cannot assign requested address; "
        "give an address of this machine; in a pod, its own (status.podIP)"
    ]
