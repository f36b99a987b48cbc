"""`sidecar policy backtest`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.audit.common import ended, engine, fail
from sidecar.cli.options import exit_with
from sidecar.cli.policy.common import as_json, ca_file, token_file
from sidecar.cli.times import ago_or_time

if TYPE_CHECKING:
    from sidecar.authoring.backtest import Allowance, Backtest
    from sidecar.evidence.replay import Span
    from sidecar.policy.bundle import Bundle

EPILOG = """\b
Examples:
  sidecar policy backtest policy audit --data data.json --since 24h
  sidecar policy backtest policy.tar.gz logs/* --registry https://registry.example --allow staleness@credit
  sidecar policy backtest policy audit --registry https://registry.example --against in-force/policy

Each decision on record is made again by the candidate, as of then (docs/replay.md). What would be let pass that was
refused is a finding, unless each rule that refused it is named by --allow. What would be refused is told alone.
With --against, what was recorded is replaced by what that policy decides under the same data: only the rules differ.
Exit codes: 0 nothing is let pass that is not allowed, 1 it is (or nothing was replayed, or a log is damaged),
2 it cannot run.
"""


def _allowances(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> tuple[Allowance, ...]:
    from sidecar.authoring.backtest import Allowance  # noqa: PLC0415 - not for `--help`

    try:
        return tuple(Allowance.parse(value) for value in values)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command("backtest", epilog=EPILOG)
@click.argument("candidate", type=click.Path(exists=True, path_type=Path))
@click.argument("folders", metavar="[AUDIT_DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--since", metavar="TIME", callback=ago_or_time, help="Only records from this time on, or so long ago.")
@click.option("--until", metavar="TIME", callback=ago_or_time, help="Only records before this time, or so long ago.")
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The data under which the candidate decides.  [default: its own]",
)
@click.option("--registry", metavar="URL", help="Take the data from this registry, as they are now.")
@token_file
@ca_file
@click.option(
    "--against",
    type=click.Path(exists=True, path_type=Path),
    metavar="BASE",
    help="Compare with what this folder or bundle decides under the same data.  [default: with what was decided]",
)
@click.option(
    "--allow",
    multiple=True,
    callback=_allowances,
    metavar="RULE[@MODEL]",
    help="What this rule refused (of this model) may pass. May be given several times.",
)
@engine
@as_json
def command(
    candidate: Path,
    folders: tuple[Path, ...],
    *,
    since: int | None,
    until: int | None,
    data: Path | None,
    registry: str | None,
    token_file: Path | None,
    ca_file: Path | None,
    against: Path | None,
    allow: tuple[Allowance, ...],
    engine: str,
    as_json: bool,
) -> None:
    """Hold CANDIDATE, a folder of Rego or a bundle, against the decisions in each AUDIT_DIR.  [default: audit]"""
    from sidecar.evidence.replay import Span  # noqa: PLC0415 - not for `--help`
    from sidecar.policy.problems import PolicyProblems  # noqa: PLC0415

    if data is not None and registry is not None:
        raise click.UsageError("--data and --registry are two sources of the same: give one")
    try:
        policy = _candidate(candidate, data, registry, (token_file, ca_file))
        span, base = Span(since, until), _base(against, policy)
        found = _replayed(policy, folders or (Path("audit"),), allow, base=base, span=span, engine=engine)
    except PolicyProblems as problems:
        exit_with(problems.problems)
    click.echo(orjson.dumps(found.as_json(), option=orjson.OPT_INDENT_2) if as_json else _told(found))
    if not found.report.replayed:
        fail("no decision was replayed" if found.report.records else "there are no records to look at")
    sys.exit(0 if found.is_good else 1)


def _candidate(policy: Path, data: Path | None, registry: str | None, files: tuple[Path | None, Path | None]) -> Bundle:
    from sidecar.authoring.backtest import candidate_of  # noqa: PLC0415

    if registry is not None:
        return candidate_of(policy, _exported(registry, *files))
    return candidate_of(policy, data.read_bytes() if data is not None else None)


def _base(policy: Path | None, candidate: Bundle) -> Bundle | None:
    """The policy to compare with, under the candidate's data, so that only their rules can differ."""
    from sidecar.authoring.backtest import candidate_of  # noqa: PLC0415

    return None if policy is None else candidate_of(policy, candidate.data_json)


def _exported(url: str, token_file: Path | None, ca_file: Path | None) -> bytes:
    from sidecar.cli.policy.registry import registry_client  # noqa: PLC0415 - an extra

    with registry_client(url, token_file, ca_file) as client:
        return orjson.dumps(client.export())


def _replayed(
    policy: Bundle,
    folders: tuple[Path, ...],
    allow: tuple[Allowance, ...],
    *,
    base: Bundle | None,
    span: Span,
    engine: str,
) -> Backtest:
    from sidecar.authoring.backtest import backtest  # noqa: PLC0415
    from sidecar.evidence.replay import count_records  # noqa: PLC0415

    with ended(folders[0]):
        records = sum(count_records(folder) for folder in folders)
        hidden = not sys.stderr.isatty()
        with click.progressbar(length=records, label="Replaying", file=sys.stderr, hidden=hidden) as bar:
            try:
                return backtest(policy, folders, allow, base=base, span=span, engine=engine, advance=bar.update)
            except (KeyError, TypeError) as error:
                exit_with([f"the records are not as this version writes them: {error!r}"])


def _told(found: Backtest) -> str:
    from sidecar.evidence.printable import printable  # noqa: PLC0415
    from sidecar.evidence.replay.text import told  # noqa: PLC0415

    lines = [told(found.report)]
    lines += [
        printable(f"finding: {row.count:,} calls of {row.model}, group {row.group}, would pass that {row.rule} refused")
        for row in found.unallowed
    ]
    if found.unallowed:
        lines.append("if that is meant, allow it by name: --allow RULE[@MODEL]")
    lines += [f"notice: --allow {one} allows nothing" for one in found.unused]
    return "\n".join(lines)
