"""Times as they are written on the command line."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import click
import pytest

from sidecar.cli.times import ago_or_time, now_unix_ns

CONTEXT, OPTION = click.Context(click.Command("a")), click.Option(["--since"])


@pytest.mark.parametrize(
    ("text", "unix_ns"),
    [
        ("2026-11-20", 1_795_132_800_000_000_000),
        ("2026-11-20T13:00:00Z", 1_795_179_600_000_000_000),
        (None, None),
    ],
)
def test_a_date_or_a_moment(text: str | None, unix_ns: int | None) -> None:
    assert ago_or_time(CONTEXT, OPTION, text) == unix_ns


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("15m", 900), ("24h", 86_400), ("30d", 2_592_000)])
def test_how_long_ago(text: str, seconds: int) -> None:
    before = now_unix_ns()
    found = ago_or_time(CONTEXT, OPTION, text)
    assert found is not None
    assert before <= found + seconds * 1_000_000_000 <= time.time_ns()


@pytest.mark.parametrize("text", ["yesterday", "none", "-1d", "1w"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is n"):
        ago_or_time(CONTEXT, OPTION, text)


def test_now_can_be_written_down() -> None:
    now = now_unix_ns()
    seconds, rest_ns = divmod(now, 1_000_000_000)
    written = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest_ns // 1_000).isoformat()
    assert ago_or_time(CONTEXT, OPTION, written) == now
