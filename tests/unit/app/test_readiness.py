from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.app.readiness import Readiness
from sidecar.app.self_check import SelfCheck
from sidecar.app.windows import Windows
from sidecar.http1.target import Target
from sidecar.policy.make import remote_policy
from sidecar.settings import load
from tests.lab import Lab, lab
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def rebuilt(it: Lab) -> Windows:
    windows = windows_of(it)
    await windows.rebuild(it.policy.snapshot())
    return windows


def windows_of(it: Lab) -> Windows:
    settings = load(
        {"upstream": "http://127.0.0.1:1", "server": "mlserver", "consent": "off", "audit_dir": it.audit_dir}
    )
    return Windows(settings, it.clock)


async def test_ready_once_a_policy_decides_and_the_log_is_open(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        assert Readiness(it.policy, await rebuilt(it), it.trail, SelfCheck(), is_writable=True).reasons() == []


async def test_not_ready_before_the_log_can_take_an_exchange(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        reasons = Readiness(it.policy, await rebuilt(it), it.trail, SelfCheck()).reasons()
    assert reasons == ["the audit log cannot take an exchange yet; is its disk full?"]


async def test_not_ready_before_the_windows_know_the_past(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        reasons = Readiness(it.policy, windows_of(it), it.trail, SelfCheck(), is_writable=True).reasons()
    assert reasons == ["the fairness windows are not yet rebuilt from the audit log"]


async def test_a_broken_log_and_a_stop_are_told_together(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        readiness = Readiness(it.policy, await rebuilt(it), it.trail, SelfCheck())
        await it.trail.aclose()
        readiness.stopping = True
        assert readiness.reasons() == ["stopping", "the audit log is broken: closed"]


async def test_not_ready_before_the_first_activation_and_the_cause_is_told(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        target = Target.parse(f"unix://{tmp_path}/no-opa.sock")
        policy = remote_policy(target, mode="enforce", timeout_s=1, max_age_s=60, clock=FixedClock())
        try:
            await policy.start()
            reasons = Readiness(policy, await rebuilt(it), it.trail, SelfCheck()).reasons()
        finally:
            await policy.aclose()
        assert reasons[0] == "policy_unavailable: no policy has been activated yet"
        assert reasons[1].startswith("policy_unavailable: ")


async def test_a_policy_that_grows_old_later_does_not_take_every_replica_out(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        readiness = Readiness(it.policy, await rebuilt(it), it.trail, SelfCheck(), is_writable=True)
        assert readiness.reasons() == []
        await it.policy.aclose()
        assert readiness.reasons() == []
