"""`sidecar policy status`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.audit.common import unix_ns
from sidecar.cli.options import exit_with
from sidecar.cli.policy.running import Running, Unreachable, ask
from sidecar.cli.times import ago_or_time
from sidecar.evidence.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sidecar.cli.policy.modes_table import Modes
    from sidecar.evidence.folders import LogFolder
    from sidecar.evidence.would_deny import WouldDeny

DEFAULT_ADMIN = "127.0.0.1:8091"
EPILOG = """\b
Examples:
  sidecar policy status
  sidecar policy status --admin 127.0.0.1:8091 --admin 127.0.0.1:9091 --since 1h
  sidecar policy status --control /run/sidecar/admin.sock --json
  sidecar policy status replica-1/audit replica-2/audit --since 2026-11-20 --until 2026-11-21

Modes are those that running sidecars say they have; counts are those of their audit logs, and of the logs in each DIR.
Without --admin and --control, and with a DIR, no sidecar is asked: modes are those of the policy kept last beside the
logs. `would deny` counts exchanges that a rule in shadow would have refused, `rate` is their share of all of the
model's that the policy judged. Both phases of an exchange count once.
Exit codes: 0 told, 1 a sidecar or a log could not be read in full, 2 there is nothing to tell.
"""


@click.command("status", epilog=EPILOG)
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--admin", multiple=True, metavar="HOST:PORT", help=f"A sidecar's admin port.  [default: {DEFAULT_ADMIN}]"
)
@click.option("--control", multiple=True, metavar="PATH", help="A sidecar's admin port as a Unix socket.")
@click.option(
    "--since",
    default="24h",
    show_default=True,
    metavar="TIME",
    callback=ago_or_time,
    help="From this time on, or for so long.",
)
@click.option("--until", metavar="TIME", callback=unix_ns, help="Before this time.  [default: now]")
@click.option("--json", "as_json", is_flag=True, help="One document for a machine.")
def command(
    folders: tuple[Path, ...],
    *,
    admin: tuple[str, ...],
    control: tuple[str, ...],
    since: int,
    until: int | None,
    as_json: bool,
) -> None:
    """Show each rule's mode for each model, and what it refused and would have refused lately."""
    from sidecar.cli.policy.modes_table import rows, table  # noqa: PLC0415 - not for `--help`
    from sidecar.evidence.replay import Span  # noqa: PLC0415
    from sidecar.evidence.would_deny import would_deny  # noqa: PLC0415

    problems: list[str] = []
    places = [*admin, *(str(Path(path).absolute()) for path in control)]
    running = list(_running(places or ([] if folders else [DEFAULT_ADMIN]), problems))
    logs = _logs(running, folders, problems)
    if not running and not logs:
        exit_with(problems)
    counts = would_deny((log.path for log in logs), Span(since, until))
    found = rows(_modes(running, logs, problems), counts)
    problems += _troubles(counts)
    if as_json:
        document = {
            "since_unix_s": since / 1e9,
            "until_unix_s": None if until is None else until / 1e9,
            "sidecars": [_sidecar(each) for each in running],
            "logs": [str(log.path) for log in logs],
            "rules": [row.as_json() for row in found],
            "summarised": counts.summarised,
            "problems": problems,
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n".join([*map(_headline, running), table(found), *_remarks(counts)]))
    for problem in problems:
        click.echo(f"sidecar: {printable(problem)}", err=True)
    sys.exit(1 if problems else 0)


def _running(places: Sequence[str], problems: list[str]) -> Iterator[Running]:
    for place in dict.fromkeys(places):
        try:
            yield ask(place)
        except Unreachable as error:
            problems.append(str(error))


def _logs(running: Sequence[Running], folders: Sequence[Path], problems: list[str]) -> list[LogFolder]:
    """Each log once, however it was named."""
    from sidecar.evidence.folders import NoLog, find_logs  # noqa: PLC0415 - not for `--help`

    found: dict[Path, LogFolder] = {}
    for folder in [*(each.audit_dir for each in running), *folders]:
        try:
            found |= {log.path.resolve(): log for log in find_logs(folder)}
        except NoLog:
            problems.append(f"{folder} holds no log here: give the audit folder as this machine has it")
    return list(found.values())


def _modes(running: Sequence[Running], logs: Sequence[LogFolder], problems: list[str]) -> list[Modes]:
    from sidecar.cli.policy.modes_table import ALL_SHADOW  # noqa: PLC0415 - not for `--help`

    if not running:
        return _kept_modes(logs, problems)
    said: list[Modes] = []
    for each in running:
        shown = {"enforce": ALL_SHADOW} if each.mode == "shadow" else {}
        said.append(
            {
                model: {rule: shown.get(mode, mode) for rule, mode in rules.items()}
                for model, rules in each.modes.items()
            }
        )
    return said


def _kept_modes(logs: Sequence[LogFolder], problems: list[str]) -> list[Modes]:
    """Of the policy that was kept last: no sidecar says what holds now."""
    from sidecar.evidence.fairness import facts_of  # noqa: PLC0415 - not for `--help`
    from sidecar.policy.compose import SHIPPED_GUARDS  # noqa: PLC0415
    from sidecar.policy.problems import PolicyProblems  # noqa: PLC0415

    try:
        facts = facts_of(None, logs)
    except PolicyProblems as found:
        problems.append(f"modes are unknown: {found.problems[0]}")
        return []
    return [
        {name: dict.fromkeys(SHIPPED_GUARDS, "enforce") | dict(model.rules) for name, model in facts.models.items()}
    ]


def _troubles(counts: WouldDeny) -> list[str]:
    unreadable = [f"{counts.unreadable:,} records are not as this version writes them"] if counts.unreadable else []
    return [*map(str, counts.damaged), *unreadable]


def _headline(running: Running) -> str:
    return printable(f"sidecar {running.admin}: mode {running.mode}, policy {running.revision or 'none'}")


def _sidecar(running: Running) -> dict[str, object]:
    return {
        "admin": running.admin,
        "mode": running.mode,
        "policy_revision": running.revision,
        "audit_dir": str(running.audit_dir),
    }


def _remarks(counts: WouldDeny) -> list[str]:
    return [f"\n{counts.summarised:,} more refusals are on record in sums only"] if counts.summarised else []
