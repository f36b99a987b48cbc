"""Each exchange leaves exactly what the contract says, whatever happens in it."""

from __future__ import annotations

import asyncio
import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit.context import span_id_of
from sidecar.fairness.window import Observation
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.message import Response
from sidecar.model.reasons import Reason
from sidecar.model.refusal import refused
from sidecar.proxy.upstream import Mark
from tests.lab import DATA, BrokenPolicy, Lab, infer, lab, v2_answer, v2_body

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.message import Request

pytestmark = pytest.mark.anyio


def data_with(**rules: str) -> dict[str, Any]:
    changed = copy.deepcopy(DATA)
    changed["models"]["credit"]["rules"] |= rules
    return changed


def codes(body: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in body["reasons"]]


async def test_a_good_call_is_forwarded_and_released_byte_for_byte(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        request = infer()
        response = await it.exchange.handle(request)
        assert (response.status, response.body) == (200, v2_answer().body)
        assert [received.body for received in it.upstream.received] == [request.body]
        assert it.kinds() == ["INTENT", "OUTCOME released"]


async def test_every_answer_says_who_it_is(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        for request in (infer(), infer(x_data_version="stale"), infer(path="/nowhere")):
            response = await it.exchange.handle(request)
            headers = dict(response.headers)
            record = it.records()[-1]
            assert headers[b"x-decision-id"].decode() == record["decision_id"]
            assert headers[b"x-policy-revision"].decode() == it.policy.revision
            assert len(record["decision_id"]) == 32


async def test_ids_and_trace_go_upstream(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        trace = f"00-{'a' * 32}-{'b' * 16}-01"
        response = await it.exchange.handle(infer(x_request_id="req-1", traceparent=trace))
        decision_id = dict(response.headers)[b"x-decision-id"].decode()
        traceparent = f"00-{'a' * 32}-{span_id_of(decision_id)}-01".encode()
        assert it.upstream.marks == [Mark(decision_id, "req-1", it.policy.revision, traceparent)]


@pytest.mark.parametrize(
    ("request_", "status", "reasons"),
    [
        (infer(x_data_version="stale"), 403, ["data_stale"]),
        (infer(x_data_version="unheard-of"), 403, ["data_version_unknown"]),
        (infer(x_data_version=""), 400, ["attribute_missing"]),
        (infer(x_data_version="a,b"), 400, ["attribute_malformed"]),
        (infer(body=v2_body(data_version="other")), 400, ["attribute_conflict"]),
        (infer(x_consent_scope="marketing"), 403, ["consent_scope_mismatch", "consent_scope_mismatch"]),
        (infer(x_protected_group="z"), 403, ["group_unknown"]),
        (infer(body=b"{"), 400, ["body_malformed"]),
        (infer(content_type="text/plain"), 415, ["media_type_unsupported"]),
        (infer(path="/v2/models/unheard-of/infer"), 403, ["model_unknown"]),
        (infer(path="/nowhere"), 404, ["endpoint_unknown"]),
        (infer(method="GET"), 405, ["method_not_allowed"]),
        (infer(path="/v2/repository/index"), 403, ["management_forbidden"]),
        (infer(path="/v2/models/credit", method="GET"), 403, ["management_forbidden"]),
        (infer(path="/v2/models/credit/../credit/infer"), 400, ["http_malformed"]),
        (infer(x_vertex_ai_triton_redirect="x"), 400, ["header_forbidden"]),
    ],
    ids=lambda value: value.path if hasattr(value, "path") else str(value),
)
async def test_a_bad_request_leaves_one_refusal_and_nothing_is_forwarded(
    tmp_path: Path, request_: Request, status: int, reasons: list[str]
) -> None:
    async with lab(tmp_path) as it:
        answered, body = await it.call(request_)
        # An unknown group shows only in the response phase, where scores are judged by group.
        if reasons == ["group_unknown"]:
            assert it.kinds() == ["INTENT", "OUTCOME refused"]
        else:
            assert it.kinds() == ["REFUSAL"]
            assert it.upstream.received == []
        assert (answered, codes(body), body["status"]) == (status, reasons, status)
        assert [r["code"] for r in it.records()[-1]["decision"]["reasons"]] == reasons


@pytest.mark.parametrize(
    ("consent", "status", "reasons"),
    [
        (ConsentStatus.MISSING, 401, ["consent_missing"]),
        (ConsentStatus.INVALID, 401, ["consent_invalid"]),
        (ConsentStatus.EXPIRED, 401, ["consent_expired"]),
    ],
)
async def test_a_bad_token_is_a_fact_that_the_policy_refuses(
    tmp_path: Path, consent: ConsentStatus, status: int, reasons: list[str]
) -> None:
    async with lab(tmp_path) as it:
        it.consent.fact = ConsentFact(consent)
        response = await it.exchange.handle(infer())
        assert response.status == status
        assert b"www-authenticate" in dict(response.headers)
        assert it.kinds() == ["REFUSAL"]
        assert [r["code"] for r in it.records()[0]["decision"]["reasons"]] == reasons


async def test_a_score_outside_its_band_is_not_released(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        it.upstream.answer = v2_answer(0.9)
        status, body = await it.call(infer())
        assert (status, codes(body)) == (403, ["score_out_of_band"])
        assert "0.9" not in str(body)
        assert it.kinds() == ["INTENT", "OUTCOME refused"]
        assert it.window.seen[0].released is False


async def test_a_rule_in_shadow_changes_only_its_own_verdict(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(fairness_band="shadow")) as it:
        it.upstream.answer = v2_answer(0.9)
        assert (await it.call(infer()))[0] == 200
        outcome = it.records()[-1]
        assert [r["code"] for r in outcome["decision"]["shadow"]] == ["score_out_of_band"]
        case, _ = it.observer.finished_cases[0]
        assert [(r.code, r.rule) for r in case.would_deny] == [("score_out_of_band", "fairness_band")]
        assert (await it.call(infer(x_data_version="stale")))[0] == 403


async def test_the_window_is_told_of_each_judged_prediction_once(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        await it.call(infer())
        await it.call(infer(x_data_version="stale"))
        decision_id = it.records()[0]["decision_id"]
        expected = Observation(
            decision_id, "credit", None, it.clock.unix_s(), ("a",), (0.5,), (True,), 1, released=True
        )
        assert it.window.seen == [expected]


@pytest.mark.parametrize("status", [400, 404, 422, 500, 503])
async def test_upstream_errors_pass_through_unobserved(tmp_path: Path, status: int) -> None:
    async with lab(tmp_path) as it:
        it.upstream.answer = Response(status, ((b"content-type", b"text/plain"),), b"no such thing")
        response = await it.exchange.handle(infer())
        assert (response.status, response.body) == (status, b"no such thing")
        outcome = it.records()[-1]
        assert (outcome["result"], outcome["status"], outcome["decision"]) == ("released", status, None)
        assert it.window.seen == []


async def test_an_unreadable_prediction_is_not_released(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        it.upstream.answer = Response(200, ((b"content-type", b"application/json"),), b'{"outputs":[]}')
        status, body = await it.call(infer())
        assert (status, codes(body)) == (502, ["prediction_unreadable"])
        assert it.kinds() == ["INTENT", "OUTCOME failed"]


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("upstream_unreachable", 502),
        ("upstream_timeout", 504),
        ("upstream_malformed", 502),
        ("response_too_large", 502),
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
async def test_a_failing_model_server_is_told_and_recorded(tmp_path: Path, code: str, status: int, mode: str) -> None:
    async with lab(tmp_path, mode=mode) as it:
        it.upstream.answer = refused(code, "x")
        answered, body = await it.call(infer())
        assert (answered, codes(body)) == (status, [code])
        assert it.kinds() == ["INTENT", "OUTCOME failed"]
        assert [r["code"] for r in it.records()[-1]["decision"]["reasons"]] == [code]


ENGINE_FAILURES = [
    "policy_unavailable",
    "policy_timeout",
    "policy_undefined",
    "policy_malformed",
    "policy_too_old",
]


def broken(it: Lab, code: str, *phases: str) -> None:
    object.__setattr__(it.exchange.judge, "policy", BrokenPolicy(it.policy, refused(code, "x"), phases))


@pytest.mark.parametrize("code", ENGINE_FAILURES)
async def test_a_failing_engine_is_never_an_allow_and_never_a_403(tmp_path: Path, code: str) -> None:
    async with lab(tmp_path) as it:
        broken(it, code, "request", "response")
        response = await it.exchange.handle(infer())
        assert response.status == 503
        assert dict(response.headers)[b"retry-after"] == b"1"
        assert (it.kinds(), it.upstream.received) == (["REFUSAL"], [])


@pytest.mark.parametrize("code", ENGINE_FAILURES)
async def test_an_engine_that_fails_after_the_model_keeps_its_answer_back(tmp_path: Path, code: str) -> None:
    async with lab(tmp_path) as it:
        broken(it, code, "response")
        status, body = await it.call(infer())
        assert (status, codes(body)) == (503, [code])
        assert it.kinds() == ["INTENT", "OUTCOME failed"]


async def test_a_dead_engine_does_not_fail_probes(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        broken(it, "policy_unavailable", "request")
        it.upstream.answer = Response(200, (), b"")
        response = await it.exchange.handle(infer(path="/v2/health/ready", method="GET", body=b""))
        assert (response.status, it.records()) == (200, [])


async def test_shadow_mode_forwards_what_it_would_deny(tmp_path: Path) -> None:
    async with lab(tmp_path, mode="shadow") as it:
        for request in (infer(x_data_version="stale"), infer(body=b"{"), infer(x_data_version="a,b")):
            assert (await it.call(request))[0] == 200
        it.upstream.answer = v2_answer(0.9)
        assert (await it.call(infer()))[0] == 200
        it.upstream.answer = Response(200, ((b"content-type", b"application/json"),), b"[]")
        assert (await it.exchange.handle(infer())).body == b"[]"
        broken(it, "policy_unavailable", "request", "response")
        assert (await it.exchange.handle(infer())).body == b"[]"
        assert it.kinds() == ["INTENT", "OUTCOME released"] * 6
        would_deny = [[reason.code for reason in case.would_deny] for case, _ in it.observer.finished_cases]
        assert would_deny == [
            ["data_stale"],
            ["body_malformed"],
            ["attribute_malformed"],
            ["score_out_of_band"],
            ["prediction_unreadable"],
            ["policy_unavailable", "prediction_unreadable"],
        ]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (infer(path="/nowhere"), 404),
        (infer(path="/v2/repository/index"), 403),
        (infer(method="DELETE"), 405),
        (infer(x_vertex_ai_triton_redirect="x"), 400),
    ],
    ids=["unknown", "management", "method", "header"],
)
async def test_shadow_mode_still_refuses_what_is_unsafe(tmp_path: Path, request_: Request, status: int) -> None:
    async with lab(tmp_path, mode="shadow") as it:
        assert (await it.call(request_))[0] == status
        assert (it.kinds(), it.upstream.received) == (["REFUSAL"], [])


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
async def test_without_audit_nothing_is_forwarded_and_nothing_released(tmp_path: Path, mode: str) -> None:
    async with lab(tmp_path, mode=mode) as it:
        await it.trail.aclose()
        for request in (infer(), infer(path="/nowhere")):
            status, body = await it.call(request)
            assert (status, codes(body)) == (503, ["audit_unavailable"])
        assert it.upstream.received == []


async def test_an_answer_that_cannot_be_recorded_is_not_released(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        send = it.upstream.send

        async def close_the_log(permit: Any, mark: Mark, *, whole_stream: bool = False) -> Response:
            await it.trail.aclose()
            return await send(permit, mark, whole_stream=whole_stream)

        it.upstream.send = close_the_log  # type: ignore[method-assign]
        status, body = await it.call(infer())
        assert (status, codes(body)) == (503, ["audit_unavailable"])
        assert it.window.seen == []


async def test_a_client_that_goes_away_leaves_an_aborted_outcome(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang(permit: Any, mark: Mark, *, whole_stream: bool = False) -> Response:
            permit.spend()
            reached.set()
            await never.wait()
            raise AssertionError

        it.upstream.send = hang  # type: ignore[method-assign]
        task = asyncio.create_task(it.exchange.handle(infer()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert it.kinds() == ["INTENT", "OUTCOME aborted"]
        assert it.trail.open_count == 0


async def test_a_client_that_goes_away_before_the_decision_leaves_a_refusal(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang(_: object) -> ConsentFact:
            reached.set()
            await never.wait()
            raise AssertionError

        it.consent.verify = hang  # type: ignore[method-assign]
        task = asyncio.create_task(it.exchange.handle(infer()))
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert it.kinds() == ["REFUSAL"]
        assert [r["code"] for r in it.records()[0]["decision"]["reasons"]] == ["request_aborted"]
        assert it.upstream.received == []


async def test_an_exchange_that_our_stop_cuts_off_is_answered_and_on_record(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        reached, never = asyncio.Event(), asyncio.Event()

        async def hang(permit: Any, mark: Mark, *, whole_stream: bool = False) -> Response:
            permit.spend()
            reached.set()
            await never.wait()
            raise AssertionError

        it.upstream.send = hang  # type: ignore[method-assign]
        task = asyncio.create_task(it.call(infer()))
        await reached.wait()
        task.cancel("shutting_down")
        status, body = await task
        assert (status, codes(body)) == (503, ["shutting_down"])
        assert it.kinds() == ["INTENT", "OUTCOME failed"]


async def test_a_defect_of_ours_still_closes_its_intent(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        it.upstream.answer = ZeroDivisionError()
        status, body = await it.call(infer())
        assert (status, codes(body)) == (503, ["sidecar_failed"])
        assert it.kinds() == ["INTENT", "OUTCOME failed"]


async def test_a_defect_before_the_decision_leaves_a_refusal(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:

        async def fail(_: object) -> ConsentFact:
            raise ZeroDivisionError

        it.consent.verify = fail  # type: ignore[method-assign]
        status, body = await it.call(infer())
        assert (status, codes(body), it.kinds()) == (503, ["sidecar_failed"], ["REFUSAL"])
        assert it.upstream.received == []


async def test_a_window_that_fails_does_not_keep_a_recorded_answer_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Observation) -> None:
        raise ZeroDivisionError

    async with lab(tmp_path) as it:
        monkeypatch.setattr(it.window, "observe", fail)
        assert (await it.call(infer()))[0] == 200
        assert it.kinds() == ["INTENT", "OUTCOME released"]
        assert [status for _, status in it.observer.finished_cases] == [200]


async def test_groups_that_no_record_could_hold_are_the_clients_to_shorten(tmp_path: Path) -> None:
    data = copy.deepcopy(DATA)
    data["models"]["credit"]["instances_per_token"] = 256
    many = {"inputs": [{"name": "income", "shape": [256], "datatype": "FP64", "data": [50.0] * 256}]}
    async with lab(tmp_path, data=data) as it:
        request = infer(body=json.dumps(many).encode(), x_protected_group='"' * 250)
        status, body = await it.call(request)
        assert (status, codes(body), it.kinds()) == (400, ["attribute_malformed"], ["REFUSAL"])


async def test_a_front_can_refuse_what_is_no_request(tmp_path: Path) -> None:
    from sidecar.model.message import Request

    async with lab(tmp_path) as it:
        reason = Reason("headers_too_large", "too much")
        response = await it.exchange.refuse(Request("", "", ()), (reason,))
        assert response.status == 431
        assert it.kinds() == ["REFUSAL"]


async def test_metadata_passes_only_where_it_is_opted_in_and_on_record(tmp_path: Path) -> None:
    async with lab(tmp_path, metadata=True) as it:
        it.upstream.answer = Response(200, (), b"{}")
        assert (await it.call(infer(path="/v2/models/credit", method="GET", body=b"")))[0] == 200
        assert it.kinds() == ["INTENT", "OUTCOME released"]


async def test_refusals_speak_the_protocol_of_their_clients(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        _, body = await it.call(infer(x_data_version="stale"))
        assert body["error"] == body["detail"]


async def test_stages_are_timed_in_the_outcome(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        await it.call(infer())
        assert list(it.records()[-1]["stage_us"]) == [
            "request_decision",
            "intent",
            "upstream",
            "response_decision",
        ]
