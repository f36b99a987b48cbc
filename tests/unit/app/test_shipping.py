from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.app import shipping as module
from sidecar.app.problems import StartProblems
from sidecar.app.shipping import Shipping, shipping_room
from sidecar.child_process import Pauses
from sidecar.ship.cursor import CursorFile
from sidecar.ship.destination import LAST_ROUNDS_S
from tests.policies import until
from tests.unit.ship.ledgers import WrittenLog, event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

DEAD_END = "http://127.0.0.1:1"
"""Where no collector listens."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[WrittenLog]:
    with WrittenLog(tmp_path / "audit" / "0") as written:
        yield written


@asynccontextmanager
async def room(log: WrittenLog, tmp_path: Path) -> AsyncGenerator[Shipping]:
    """Shipping to an archive in a folder."""
    async with shipping_room(log.layout, otlp=None, archive=str(tmp_path / "archive")) as shipping:
        yield shipping


def archived(log: WrittenLog) -> int:
    """The size of the newest checkpoint in the archive."""
    cursor = CursorFile(log.layout.cursors, "archive").read()
    return 0 if cursor is None else cursor.checkpoint


def is_running(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_without_destinations_there_is_no_process(log: WrittenLog) -> None:
    async with shipping_room(log.layout, otlp=None, archive=None) as shipping:
        assert (shipping.pid, shipping.destinations) == (None, ())


async def test_it_runs_in_a_session_of_its_own_and_has_a_last_round(log: WrittenLog, tmp_path: Path) -> None:
    log.write_signed(event())
    async with room(log, tmp_path) as shipping:
        await until(lambda: archived(log) == 1)
        pid = shipping.pid
        assert pid is not None
        assert os.getsid(pid) == pid
        assert shipping.destinations == ("archive",)
        size = log.write_signed(event(), event())
    assert not is_running(pid)
    assert archived(log) == size


async def test_a_death_is_answered_with_a_new_start(
    log: WrittenLog, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSES", Pauses(first_s=0.01, last_s=1.0, stable_s=60.0))
    async with room(log, tmp_path) as shipping:
        first = shipping.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await until(lambda: shipping.pid != first)
        log.write_signed(event())
        await until(lambda: archived(log) == 1)
        assert shipping.restarts_total == 1
    assert "shipping ended with status -9; it is started again in 0.0 s" in caplog.messages


async def test_one_that_does_not_end_is_killed(
    log: WrittenLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "END_GRACE_S", 0.1 - LAST_ROUNDS_S["archive"])
    log.write_signed(event())
    async with room(log, tmp_path) as shipping:
        await until(lambda: archived(log) == 1)
        pid = shipping.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
    assert not is_running(pid)


async def test_what_cannot_be_started_is_tried_again_more_and_more_slowly(
    log: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []
    enough = asyncio.Event()
    real_sleep = asyncio.sleep

    async def noted(delay_s: float) -> None:
        delays.append(delay_s)
        if len(delays) == 8:
            enough.set()
        await real_sleep(0)

    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    monkeypatch.setattr("sidecar.app.shipping.asyncio.sleep", noted)
    shipping = Shipping(log.layout, otlp=DEAD_END)
    await shipping.start()
    await asyncio.wait_for(enough.wait(), 60)
    await shipping.aclose()
    assert delays[:8] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@pytest.mark.parametrize(
    ("hidden", "otlp", "archive", "told"),
    [
        ("urllib3", DEAD_END, None, r"--otlp needs the otlp extra: pip install 'model-policy-sidecar\[otlp\]'"),
        ("opentelemetry.proto", DEAD_END, None, "--otlp needs the otlp extra"),
        ("fsspec", None, "s3://bucket", r"--audit-archive s3://bucket needs the archive extra"),
    ],
)
async def test_a_missing_extra_stops_the_start(
    log: WrittenLog, monkeypatch: pytest.MonkeyPatch, hidden: str, otlp: str | None, archive: str | None, told: str
) -> None:
    real = module.importlib.util.find_spec
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None if name == hidden else real(name))
    with pytest.raises(StartProblems, match=told):
        async with shipping_room(log.layout, otlp=otlp, archive=archive):
            pass


async def test_a_variable_that_cannot_be_understood_stops_the_start(
    log: WrittenLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "soon")
    with pytest.raises(StartProblems, match="OTEL_EXPORTER_OTLP_TIMEOUT=soon"):
        async with shipping_room(log.layout, otlp=DEAD_END, archive=None):
            pass


def test_the_data_path_does_not_import_what_only_shipping_needs() -> None:
    heavy = {"urllib3", "google.protobuf", "opentelemetry", "fsspec"}
    code = f"import sys, sidecar.app.assembly; print(*{heavy} & {{*sys.modules}})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout == "\n"
