"""A request that nginx or HAProxy and the sidecar read in different ways is refused by the sidecar.

They may refuse what we take; they may not read something else in it: another number of requests, another target, body
or governed value.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.budgets import examples
from tests.hostile.case import BODY, GOOD_FIELDS, LINE, in_chunks, request
from tests.hostile.corpus import fields, framing, governed, json_bodies, lines, pipelines, targets, upgrades
from tests.hostile.peers import COMMANDS, Peer, essence, peer, statuses_of
from tests.property.reads import damaged

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.hostile.case import Case
    from tests.hostile.rig import Rig

LAST = request(b"Connection: close")
PATIENCE_S = 0.5
CLASSES = (fields, framing, governed, json_bodies, lines, pipelines, targets, upgrades)
CASES = [case for case in itertools.chain.from_iterable(each.CASES for each in CLASSES) if not case.half_closes]


@pytest.fixture(scope="module", params=COMMANDS)
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Peer]:
    with peer(request.param, tmp_path_factory.mktemp("peer")) as made:
        yield made


def read_alike(rig: Rig, other: Peer, sent: bytes) -> None:
    """Fails where the model server gets something from us that the peer did not read."""
    whole = rig.filled(sent + LAST)
    before = len(rig.upstream.arrivals)
    statuses = statuses_of(rig.address, whole, PATIENCE_S)
    ours = [essence(arrival) for arrival in rig.upstream.arrivals[before:]]
    if not ours:
        return
    theirs = other.read(whole)
    if theirs.refused:  # then what they passed on is the beginning of it
        assert tuple(ours[: len(theirs.requests)]) == theirs.requests[: len(ours)] or _within(ours, theirs.requests)
    elif all(status < 400 for status in statuses):
        assert tuple(ours) == theirs.requests
    else:
        assert _within(ours, theirs.requests), (ours, theirs)


def _within(some: list[tuple[bytes, ...]], all_of_them: tuple[tuple[bytes, ...], ...]) -> bool:
    """Whether they are there in this order."""
    rest = iter(all_of_them)
    return all(each in rest for each in some)


def test_the_good_request_is_read_by_both(rig: Rig, other: Peer) -> None:
    theirs = other.read(rig.filled(request() + LAST))
    assert len(theirs.requests) == 2
    assert not theirs.refused
    read_alike(rig, other, request())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus(rig: Rig, other: Peer, case: Case) -> None:
    read_alike(rig, other, case.sent)


SPACES = st.sampled_from([b"", b" ", b"\t", b"  ", b"\x0b", b"\x0c", b"\r", b"\xa0"])
FRAMING_NAMES = st.sampled_from([b"Content-Length", b"Transfer-Encoding", b"content-length", b"Content_Length"])
FRAMING_VALUES = st.sampled_from(
    [
        b"%d" % len(BODY),
        b"0",
        b"5",
        b"+5",
        b"5,5",
        b"0x5",
        b"chunked",
        b"Chunked",
        b"identity",
        b"chunked, identity",
        b"",
    ]
)
FIELD = st.builds(lambda *parts: b"".join(parts), FRAMING_NAMES, SPACES, st.just(b":"), SPACES, FRAMING_VALUES, SPACES)
OTHERS = st.sampled_from([b"X: y", b"X-Data-Version: stale", b"Connection: close", b"Expect: 100-continue", b"TE: x"])
BODIES = st.sampled_from([BODY, in_chunks(), in_chunks(size=1), BODY + request(), in_chunks() + request(), b""])


@st.composite
def framed(draw: st.DrawFn) -> bytes:
    """A good request whose framing is drawn, right or wrong, and then perhaps damaged."""
    drawn = draw(st.lists(st.one_of(FIELD, FIELD, OTHERS), min_size=1, max_size=3))
    whole = b"\r\n".join([LINE, *GOOD_FIELDS, *drawn]) + b"\r\n\r\n" + draw(BODIES)
    return draw(damaged(whole))


@settings(max_examples=examples(200), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=framed())
def test_drawn_framing(rig: Rig, other: Peer, sent: bytes) -> None:
    read_alike(rig, other, sent)
