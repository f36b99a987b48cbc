from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar.model.decision import Decision
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.refusal import Refused, refused
from tests.lab import BrokenPolicy, Lab, infer, lab

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.message import Request
    from sidecar.proxy.case import Case

pytestmark = pytest.mark.anyio

ENFORCE, SHADOW = "enforce", "shadow"
PROBE = infer(path="/v2/health/ready", method="GET", body=b"")
METADATA = infer(path="/v2/models/credit", method="GET", body=b"")


def case_of(it: Lab, request: Request) -> Case:
    return it.exchange._open(request, None)


async def refusal_of(it: Lab, case: Case) -> list[str]:
    """The codes with which the case is turned away."""
    with pytest.raises(Refused) as caught:
        await it.exchange.admission.admit(case)
    return [reason.code for reason in caught.value.reasons]


def engine_is_dead(it: Lab) -> Lab:
    """A lab in which every question to the policy fails."""
    broken = BrokenPolicy(it.policy, refused("policy_unavailable", "x"), ("request", "response"))
    admission = it.exchange.admission
    admission = replace(admission, judge=replace(admission.judge, policy=broken))
    return replace(it, exchange=replace(it.exchange, admission=admission))


async def test_a_judged_request_has_its_policys_permit(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        case = case_of(it, infer())
        permit = await it.exchange.admission.admit(case)
        assert (permit.request, permit.decision) == (case.request, case.decision)
        assert permit.decision.allow
        assert case.endpoint == Endpoint(EndpointKind.INFER, "v2", "infer", "credit")
        assert case.context.endpoint == case.endpoint


@pytest.mark.parametrize("request_", [PROBE, METADATA], ids=["probe", "metadata"])
async def test_what_infers_nothing_asks_no_engine(tmp_path: Path, request_: Request) -> None:
    async with lab(tmp_path, metadata=True) as real:
        it = engine_is_dead(real)
        case = case_of(it, request_)
        permit = await it.exchange.admission.admit(case)
        assert (permit.request, permit.decision) == (request_, Decision(allow=True, revision=it.policy.revision))
        assert (case.decision, case.inquiry) == (None, None)
        assert await refusal_of(it, case_of(it, infer())) == ["policy_unavailable"]


@pytest.mark.parametrize(
    ("request_", "codes", "kind"),
    [
        (METADATA, ["management_forbidden"], EndpointKind.METADATA),
        (infer(path="/v2/repository/index"), ["management_forbidden"], EndpointKind.MANAGEMENT),
        (infer(x_vertex_ai_triton_redirect="x"), ["header_forbidden"], EndpointKind.INFER),
        (PROBE._replace(headers=((b"x_data_version", b"x"),)), ["header_forbidden"], EndpointKind.PROBE),
    ],
)
@pytest.mark.parametrize("mode", [ENFORCE, SHADOW])
async def test_what_is_turned_away_before_it_is_read_still_has_its_endpoint(
    tmp_path: Path, mode: str, request_: Request, codes: list[str], kind: EndpointKind
) -> None:
    async with lab(tmp_path, mode=mode) as real:
        it = engine_is_dead(real)  # nor is the policy asked
        case = case_of(it, request_)
        assert await refusal_of(it, case) == codes
        assert case.endpoint is not None
        assert (case.endpoint.kind, case.context.endpoint) == (kind, case.endpoint)


async def test_every_forbidden_header_is_named(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        headers = ((b"x_data_version", b"x"), (b"x-vertex-ai-triton-redirect", b"x"))
        assert await refusal_of(it, case_of(it, infer()._replace(headers=headers))) == ["header_forbidden"] * 2


async def test_an_unknown_endpoint_is_none(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        case = case_of(it, infer(path="/nowhere"))
        assert await refusal_of(it, case) == ["endpoint_unknown"]
        assert (case.endpoint, case.protocol, case.context.endpoint) == (None, None, None)


async def test_a_throttle_counts_only_what_the_policy_let_pass(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        admission = it.exchange.admission
        it.window.arm("credit", None, rate_per_s=0.5, hold_s=60)
        assert await refusal_of(it, case_of(it, infer(x_data_version="stale"))) == ["data_stale"]
        await admission.admit(case_of(it, PROBE))
        await admission.admit(case_of(it, infer()))
        assert await refusal_of(it, case_of(it, infer())) == ["model_throttled"]
        it.clock.advance(2)
        await admission.admit(case_of(it, infer()))


async def test_in_shadow_mode_no_throttle_counts(tmp_path: Path) -> None:
    async with lab(tmp_path, mode=SHADOW) as it:
        it.window.arm("credit", None, rate_per_s=0.5, hold_s=60)
        for _ in range(3):
            assert (await it.exchange.admission.admit(case_of(it, infer()))).request == infer()
