"""`sidecar audit replay`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.audit.common import ended, engine, fail, folder, since, until
from sidecar.cli.options import exit_with

if TYPE_CHECKING:
    from sidecar.policy.bundle import Bundle

EPILOG = """\b
Examples:
  sidecar audit replay audit
  sidecar audit replay audit --policy rego --data stricter.json
  sidecar audit replay audit --policy candidate.tar.gz --since 2026-11-20 --json | jq .different

Without a candidate each decision is made again by the policy that made it, and must come out the same.
With one, what it would have decided otherwise is listed: first what it would let pass, then what it would refuse.
Nothing is sent, recorded or counted. `sidecar audit verify` says whether the records are those that were written.
Exit codes: 0 no difference, 1 a difference (or nothing was replayed, or a log is damaged), 2 it cannot run.
"""


@click.command("replay", epilog=EPILOG)
@folder
@click.option(
    "--policy", type=click.Path(exists=True, path_type=Path), help="A candidate: folder of Rego, or bundle (tar.gz)."
)
@click.option(
    "--data",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The candidate's data; without --policy it goes with the shipped rules.",
)
@engine
@since
@until
@click.option("--json", "as_json", is_flag=True, help="One document for a machine.")
def command(
    folder: Path,
    *,
    policy: Path | None,
    data: Path | None,
    engine: str,
    since: int | None,
    until: int | None,
    as_json: bool,
) -> None:
    """Ask a policy again what was asked of it then: every decision in DIR, in order."""
    from sidecar.evidence.replay import Span, count_records, replay  # noqa: PLC0415 - not for `--help`
    from sidecar.evidence.replay.text import told  # noqa: PLC0415
    from sidecar.policy.problems import PolicyProblems  # noqa: PLC0415

    with ended(folder):
        try:
            candidate, records = _candidate(policy, data), count_records(folder)
            with click.progressbar(
                length=records, label="Replaying", file=sys.stderr, hidden=not sys.stderr.isatty()
            ) as bar:
                report = replay(folder, candidate, span=Span(since, until), engine=engine, advance=bar.update)
        except PolicyProblems as found:
            exit_with(found.problems)
        except (KeyError, TypeError, ValueError) as error:
            exit_with([f"the records in {folder} are not as this version writes them: {error!r}"])
    click.echo(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2) if as_json else told(report))
    if not report.replayed:
        fail("no decision was replayed" if report.records else "there are no records to look at")
    sys.exit(0 if report.is_clean else 1)


def _candidate(policy: Path | None, data: Path | None) -> Bundle | None:
    from sidecar.app.rooms import shipped  # noqa: PLC0415
    from sidecar.evidence.replay import candidate_of  # noqa: PLC0415

    if policy is None and data is None:
        return None
    return candidate_of(policy or shipped("rego"), data)
