"""Times on the command line: a date, a moment, or how long ago."""

from __future__ import annotations

import time

import click

from sidecar.cli.audit.common import unix_ns
from sidecar.settings.values import parse_duration_s


def ago_or_time(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    """`2026-11-20`, `2026-11-20T13:00:00Z`, or `30d`: so long before now. In nanoseconds since 1970."""
    if value is None:
        return None
    try:
        duration_s = parse_duration_s(value)
    except ValueError:
        return unix_ns(context, option, value)
    if not isinstance(duration_s, float):
        raise click.BadParameter(f"{value!r} is neither a time nor a duration such as 24h")
    return now_unix_ns() - int(duration_s * 1e9)


def now_unix_ns() -> int:
    """In whole microseconds: as a time can be written that stands for the same moment."""
    return time.time_ns() // 1_000 * 1_000
