"""What several end-to-end tests need and is costly: the real model servers, and a demo that has ended."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.child import find_opa
from tests.e2e.demos import FinishedDemo, processes_of, sidecar_command
from tests.servers.fixtures import real_fakellm, real_kserve, real_mlserver, real_torchserve, real_triton

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["real_fakellm", "real_kserve", "real_mlserver", "real_torchserve", "real_triton"]

DEMO_REQUESTS = 300


@pytest.fixture(scope="session", params=["embedded", "opa"])
def finished_demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> FinishedDemo:
    engine: str = request.param
    if engine == "opa" and find_opa() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no OPA here: run scripts/install-opa")
    root: Path = tmp_path_factory.mktemp(engine) / "demo"
    done = sidecar_command("demo", "--dir", root, "--engine", engine, "--requests", DEMO_REQUESTS, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert processes_of(root) == []
    return FinishedDemo(root, engine, json.loads(done.stdout))
