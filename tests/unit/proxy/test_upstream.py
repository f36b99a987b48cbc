from __future__ import annotations

import pytest

from sidecar.http1.errors import ExchangeFailed, Malformed, Timeout, TooLarge, Truncated, Unreachable
from sidecar.model.decision import Decision
from sidecar.model.explain import ExplainCall
from sidecar.model.message import Headers, Request, Response
from sidecar.model.refusal import Refused
from sidecar.policy.permit import Permit, permit
from sidecar.proxy.upstream import Mark, Upstream, forwarded
from tests.unit.http1.scripted import Peer, run, scripted


class Server:
    """A sender that keeps what it is given."""

    def __init__(self, answer: Response | ExchangeFailed) -> None:
        self.answer = answer
        self.sent: list[tuple[object, ...]] = []

    async def send(self, method: bytes, target: bytes, headers: Headers, body: bytes, *, timeout_s: float) -> Response:
        self.sent.append((method, target, headers, body, timeout_s))
        if isinstance(self.answer, ExchangeFailed):
            raise self.answer
        return self.answer


def permitted(request: Request) -> Permit:
    return permit(request, Decision(allow=True, revision="r1"))


REQUEST = Request("POST", "/v2/models/m/infer", (), b"{}", query="a=b")
MARK = Mark("d1", "q1", "r1", b"00-t-s-01")
OURS = (
    (b"x-decision-id", b"d1"),
    (b"x-request-id", b"q1"),
    (b"x-policy-revision", b"r1"),
    (b"traceparent", b"00-t-s-01"),
    (b"accept-encoding", b"identity"),
)


async def send(server: Server, request: Request = REQUEST) -> Response:
    return await Upstream(server, timeout_s=7).send(permitted(request), MARK)


def test_the_judged_request_goes_on_as_it_is() -> None:
    async def test() -> None:
        server = Server(Response(200))
        headers = (
            (b"host", b"sidecar"),
            (b"content-type", b"application/json"),
            (b"x-data-version", b"loans"),
            (b"content-length", b"2"),
            (b"x-consent-scope", b"credit"),
            (b"x-consent-token", b"secret"),
            (b"x-protected-group", b"a"),
            (b"inference-header-content-length", b"2"),
        )
        await send(server, Request("POST", "/v2/m%2Fx", headers, b"{}", query="a=%20"))
        kept = (
            (b"content-type", b"application/json"),
            (b"x-data-version", b"loans"),
            (b"x-consent-scope", b"credit"),
            (b"inference-header-content-length", b"2"),
        )
        assert server.sent == [(b"POST", b"/v2/m%2Fx?a=%20", kept + OURS, b"{}", 7)]

    run(test())


@pytest.mark.parametrize(
    "name",
    [
        b"host", b"content-length", b"x-consent-token", b"x-protected-group", b"x-decision-id",
        b"x-policy-revision", b"x-request-id", b"x-decision-fallback", b"traceparent", b"accept-encoding",
        b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-anything", b"forwarded", b"x-real-ip",
        b"x-vertex-ai-triton-redirect", b"x-http-method-override", b"x-original-url", b"range", b"if-none-match",
        b"x_consent_token", b"x_decision-id", b"x_data_version", b"x-data_version", b"x_forwarded_for",
    ],
)  # fmt: skip
def test_fields_that_never_pass(name: bytes) -> None:
    assert forwarded(((b"x-mine", b"1"), (name, b"x"), (b"x_mine", b"2"))) == ((b"x-mine", b"1"), (b"x_mine", b"2"))


def test_the_answer_comes_back_without_what_only_we_say() -> None:
    async def test() -> None:
        fields = (
            (b"content-type", b"a/b"),
            (b"content-length", b"2"),
            (b"connection", b"close, x-hop"),
            (b"x-hop", b"1"),
            (b"keep-alive", b"5"),
            (b"transfer-encoding", b"chunked"),
            (b"x-decision-id", b"forged"),
            (b"x-policy-revision", b"forged"),
            (b"x-request-id", b"forged"),
            (b"x-decision-fallback", b"forged"),
            (b"x-consent-token", b"reflected"),
            (b"alt-svc", b"h2=:443"),
            (b"set-cookie", b"a=b"),
            (b"set-cookie", b"c=d"),
        )
        answer = await send(Server(Response(200, fields, b"ok")))
        kept = ((b"content-type", b"a/b"), (b"set-cookie", b"a=b"), (b"set-cookie", b"c=d"))
        assert answer == Response(200, kept, b"ok")

    run(test())


@pytest.mark.parametrize("status", [200, 204, 400, 404, 422, 500, 503])
def test_statuses_that_pass(status: int) -> None:
    async def test() -> None:
        assert await send(Server(Response(status))) == Response(status)

    run(test())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response(301), "upstream_malformed"),
        (Response(307, ((b"location", b"http://elsewhere/"),)), "upstream_malformed"),
        (Response(304), "upstream_malformed"),
        (Unreachable("x"), "upstream_unreachable"),
        (Timeout("x"), "upstream_timeout"),
        (Malformed("x"), "upstream_malformed"),
        (Truncated("x"), "upstream_malformed"),
        (TooLarge("x"), "response_too_large"),
    ],
)
def test_what_refuses(answer: Response | ExchangeFailed, code: str) -> None:
    async def test() -> None:
        with pytest.raises(Refused) as caught:
            await send(Server(answer))
        assert [reason.code for reason in caught.value.reasons] == [code]

    run(test())


def test_a_permit_is_spent_by_its_first_use() -> None:
    async def test() -> None:
        server = Server(Unreachable("x"))
        upstream, leave = Upstream(server), permitted(REQUEST)
        with pytest.raises(Refused):
            await upstream.send(leave, MARK)
        with pytest.raises(RuntimeError):
            await upstream.send(leave, MARK)
        assert len(server.sent) == 1

    run(test())


def test_one_clients_cookie_never_reaches_another() -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            seen.append(await peer.request())
            await peer.say(b"HTTP/1.1 200 \r\nset-cookie: session=alice\r\ncontent-length: 0\r\n\r\n")

    async def test() -> None:
        async with scripted(script) as served:
            for _ in range(2):
                answer = await Upstream(served.pool).send(permitted(REQUEST), MARK)
                assert answer.header_values(b"set-cookie") == [b"session=alice"]
            assert not any(b"alice" in request for request in seen)

    run(test())


# Streams.

CHUNKED = b"HTTP/1.1 200 OK\r\nserver: x\r\ntransfer-encoding: chunked\r\n\r\n"


async def streamed(upstream: Upstream) -> tuple[Response, list[bytes]]:
    async with upstream.stream(permitted(REQUEST), MARK) as answering:
        parts: list[bytes] = []
        while part := await answering.part():
            parts.append(part)
        return answering.head, parts


def test_a_streams_head_comes_without_fields_of_the_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED + b"1\r\na\r\n0\r\n\r\n")

    async def test() -> None:
        async with scripted(script) as served:
            assert await streamed(Upstream(served.pool)) == (Response(200, ((b"server", b"x"),)), [b"a"])

    run(test())


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "upstream_malformed"),
        (CHUNKED + b"1\r\na\r\n", "upstream_malformed"),
        (CHUNKED + b"oops", "upstream_malformed"),
        (b"HTTP/1.1 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n", "upstream_malformed"),
    ],
)
def test_a_stream_that_breaks_off_has_the_model_servers_reason(sent: bytes, code: str) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(sent)

    async def test() -> None:
        async with scripted(script) as served:
            with pytest.raises(Refused) as caught:
                await streamed(Upstream(served.pool))
            assert [reason.code for reason in caught.value.reasons] == [code]

    run(test())


@pytest.mark.parametrize("limits", [{"timeout_s": 0.05}, {"stream_timeout_s": 0.05}])
def test_a_stream_has_its_time(limits: dict[str, float]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED + b"1\r\na\r\n")
        await peer.until_closed()

    async def test() -> None:
        async with scripted(script) as served:
            with pytest.raises(Refused) as caught:
                await streamed(Upstream(served.pool, **limits))
            assert [reason.code for reason in caught.value.reasons] == ["upstream_timeout"]

    run(test())


EXPLAIN = ExplainCall("/v2/models/m/explain", 40)


def explaining() -> Permit:
    return permit(REQUEST, Decision(allow=True, revision="r1"), EXPLAIN)


def test_the_explain_call_goes_where_the_permit_names_it_with_what_was_judged() -> None:
    async def test() -> None:
        server = Server(Response(200, ((b"x-decision-id", b"forged"),), b"{}"))
        assert await Upstream(server, timeout_s=7).explain(explaining(), MARK) == Response(200, (), b"{}")
        assert server.sent == [(b"POST", b"/v2/models/m/explain", OURS, b"{}", 0.04)]

    run(test())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Timeout("x"), "upstream_timeout"),
        (TooLarge("x"), "response_too_large"),
        (Response(302), "upstream_malformed"),
    ],
)
def test_an_explain_call_fails_for_the_same_reasons(answer: Response | ExchangeFailed, code: str) -> None:
    async def test() -> None:
        with pytest.raises(Refused) as caught:
            await Upstream(Server(answer)).explain(explaining(), MARK)
        assert [reason.code for reason in caught.value.reasons] == [code]

    run(test())


def test_an_explanation_that_comes_late_is_none() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.until_closed()

    async def test() -> None:
        async with scripted(script) as served:
            with pytest.raises(Refused) as caught:
                await Upstream(served.pool).explain(explaining(), MARK)
            assert [reason.code for reason in caught.value.reasons] == ["upstream_timeout"]

    run(test())
