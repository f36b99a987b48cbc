from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.audit.context import Context, DecisionIds, Parent, open_context, parse_traceparent, span_id_of
from tests.support import FixedClock
from tests.unit.audit.samples import ENDPOINT

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
GOOD = f"00-{TRACE}-{SPAN}-01".encode()


@pytest.mark.parametrize(
    ("value", "parent"),
    [
        (GOOD, Parent(TRACE, SPAN, True)),
        (f"00-{TRACE}-{SPAN}-00".encode(), Parent(TRACE, SPAN, False)),
        (f"00-{TRACE}-{SPAN}-fe".encode(), Parent(TRACE, SPAN, False)),
        (f"01-{TRACE}-{SPAN}-03-more".encode(), Parent(TRACE, SPAN, True)),
    ],
)
def test_a_traceparent_is_read(value: bytes, parent: Parent) -> None:
    assert parse_traceparent(value) == parent


@pytest.mark.parametrize(
    "value",
    [
        b"",
        GOOD.upper(),
        GOOD + b"-more",
        b"ff" + GOOD[2:],
        f"01-{TRACE}-{SPAN}-01.more".encode(),
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE}-{SPAN}-1".encode(),
        f"00-{TRACE[1:]}-{SPAN}-01".encode(),
        b" " + GOOD,
        GOOD + b"\n",
    ],
)
def test_a_malformed_traceparent_is_none(value: bytes) -> None:
    assert parse_traceparent(value) is None


def test_a_client_trace_is_continued_and_its_sampling_kept() -> None:
    unsampled = GOOD[:-2] + b"00"
    headers = ((b"x-request-id", b"order-7:a.b_c"), (b"traceparent", unsampled))
    context = open_context(headers, FixedClock(), DecisionIds())._replace(endpoint=ENDPOINT)
    assert context == Context(
        decision_id=context.decision_id,
        request_id="order-7:a.b_c",
        trace_id=TRACE,
        parent_span_id=SPAN,
        sampled=False,
        started_unix_ns=1_795_300_000_000_000_000,
        endpoint=ENDPOINT,
    )
    assert context.traceparent == f"00-{TRACE}-{context.decision_id[:16]}-00".encode()
    assert context.traceparent != unsampled


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ((b"x-request-id", b""), (b"traceparent", b"")),
        ((b"x-request-id", b"a b"), (b"traceparent", GOOD + b",")),
        ((b"x-request-id", b"a" * 129), (b"traceparent", b"00")),
        ((b"x-request-id", b"a\n"), (b"traceparent", GOOD + b"\n")),
        ((b"x-request-id", b"\xc3\xa9"),),
        ((b"x-request-id", b"a"), (b"x-request-id", b"a"), (b"traceparent", GOOD), (b"traceparent", GOOD)),
    ],
)
def test_without_a_well_formed_id_or_trace_new_ones_are_made(headers: tuple[tuple[bytes, bytes], ...]) -> None:
    context = open_context(headers, FixedClock(), DecisionIds())
    assert context == Context(
        decision_id=context.decision_id,
        request_id=context.decision_id,
        trace_id=context.decision_id,
        parent_span_id=None,
        sampled=True,
        started_unix_ns=1_795_300_000_000_000_000,
        endpoint=None,
    )
    assert len(bytes.fromhex(context.decision_id)) == 16
    assert context.decision_id != open_context(headers, FixedClock(), DecisionIds()).decision_id


def test_the_longest_request_id_is_kept() -> None:
    assert open_context(((b"x-request-id", b"a" * 128),), FixedClock(), DecisionIds()).request_id == "a" * 128


def test_a_span_id_is_never_all_zero() -> None:
    assert span_id_of("0" * 16 + "f" * 16) == "f" * 16
    assert span_id_of("0" * 15 + "1" + "f" * 16) == "0" * 15 + "1"


@given(st.binary(max_size=80))
def test_what_is_read_can_be_written_again(value: bytes) -> None:
    parent = parse_traceparent(value)
    if parent is not None:
        assert value.startswith(f"{value[:2].decode()}-{parent.trace_id}-{parent.span_id}-".encode())


def test_ids_are_128_bits_each_and_none_comes_twice() -> None:
    ids = DecisionIds()
    taken = [ids.take() for _ in range(1_000)]
    assert len(set(taken)) == 1_000
    assert {len(bytes.fromhex(one)) for one in taken} == {16}
