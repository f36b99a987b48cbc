from __future__ import annotations

import pytest

from sidecar.http1.rules import Framing
from sidecar.model.reasons import CATALOGUE
from sidecar.proxy import incoming
from sidecar.proxy.incoming import BODY_TOO_LARGE, HttpLimits, Incoming
from sidecar.settings.fields import Settings


def test_a_request_begins_where_nothing_may_be_done_to_it() -> None:
    framing = Framing(5, False)
    it = Incoming(framing)
    assert (it.framing, it.violation, it.may_abandon, it.lost, it.client) == (framing, None, False, False, None)
    with pytest.raises(RuntimeError, match="no connection is known"):
        it.cut()


def test_a_refused_head_says_why() -> None:
    it = Incoming(None, BODY_TOO_LARGE)
    assert (it.framing, it.violation) == (None, BODY_TOO_LARGE)


def test_the_defaults_are_those_of_the_flags() -> None:
    limits = HttpLimits()
    flags = ("body_limit", "body_budget", "max_connections", "max_in_flight")
    assert [Settings.model_fields[flag].default for flag in flags] == [
        limits.body_limit_bytes,
        limits.body_budget_bytes,
        limits.max_connections,
        limits.max_in_flight,
    ]


def test_load_balancers_close_idle_connections_first() -> None:
    assert HttpLimits().keep_alive_timeout_s > 60


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("ENDED", 400),
        ("SLOW", 408),
        ("CROWDED", 503),
        ("BUSY", 503),
        ("STOPPING", 503),
        ("FAILED", 503),
        ("BODY_TOO_LARGE", 413),
    ],
)
def test_every_reason_has_its_answer(name: str, status: int) -> None:
    assert CATALOGUE[getattr(incoming, name).code].status == status
