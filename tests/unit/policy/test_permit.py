from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.model.decision import Decision
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.explain import ExplainCall
from sidecar.model.message import Request
from sidecar.policy.permit import Permit, permit, shadow_permit, static_permit

if TYPE_CHECKING:
    from collections.abc import Callable

REQUEST = Request("POST", "/v2/models/credit/infer", (), b"{}")
ALLOW = Decision(allow=True, revision="r1")
DENY = Decision(allow=False, revision="r1")


def test_a_permit_gives_the_judged_request_once() -> None:
    granted = permit(REQUEST, ALLOW)
    assert granted.spend() is REQUEST
    with pytest.raises(RuntimeError, match="one exchange"):
        granted.spend()


def test_nobody_else_makes_a_permit() -> None:
    with pytest.raises(TypeError, match=r"sidecar\.policy\.permit only"):
        Permit(object(), REQUEST, ALLOW)


def test_a_denial_permits_nothing() -> None:
    with pytest.raises(ValueError, match="permits nothing"):
        permit(REQUEST, DENY)


def test_shadow_forwards_a_would_deny() -> None:
    granted = shadow_permit(REQUEST, DENY)
    assert (granted.spend(), granted.decision) == (REQUEST, DENY)


@pytest.mark.parametrize("kind", [EndpointKind.PROBE, EndpointKind.METADATA])
def test_static_permits_are_for_probes_and_metadata(kind: EndpointKind) -> None:
    granted = static_permit(REQUEST, Endpoint(kind, "v2", "x"), "r1")
    assert (granted.spend(), granted.decision) == (REQUEST, ALLOW)


@pytest.mark.parametrize("kind", [EndpointKind.INFER, EndpointKind.MANAGEMENT])
def test_static_permits_are_for_nothing_else(kind: EndpointKind) -> None:
    with pytest.raises(ValueError, match="neither probe nor metadata"):
        static_permit(REQUEST, Endpoint(kind, "v2", "x"), "r1")


EXPLAIN = ExplainCall("/v2/models/credit/explain", 250)


@pytest.mark.parametrize("made", [permit, shadow_permit])
def test_a_permit_that_names_one_gives_the_explain_call_once(made: Callable[..., Permit]) -> None:
    asked = Request("PUT", "/v2/models/credit/infer", ((b"x-a", b"1"),), b"{}", "a=b", "10.1.2.3")
    granted = made(asked, ALLOW, EXPLAIN)
    assert granted.explain == EXPLAIN
    explaining = Request("POST", EXPLAIN.path, asked.headers, asked.body, "", "10.1.2.3")
    assert granted.spend_explain() == (explaining, EXPLAIN)
    assert granted.spend() is asked
    with pytest.raises(RuntimeError, match="one explain call"):
        granted.spend_explain()


def test_a_permit_that_names_none_gives_none() -> None:
    for granted in (permit(REQUEST, ALLOW), static_permit(REQUEST, Endpoint(EndpointKind.PROBE, "v2", "x"), "r1")):
        with pytest.raises(RuntimeError, match="one explain call, if any"):
            granted.spend_explain()
