"""`sidecar registry refresh-means`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import orjson

from sidecar.cli.audit.common import ended, progress, public_key, unix_ns
from sidecar.cli.options import exit_with
from sidecar.cli.registry.proposals import told
from sidecar.cli.registry.remote import asked, refuse, remote
from sidecar.cli.times import ago_or_time, now_unix_ns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sidecar.registry.client import RegistryClient
    from sidecar.registry.means.predictions import Wanted
    from sidecar.registry.values import Json

MIN_N = 100
EPILOG = """\b
Examples:
  sidecar registry refresh-means credit audit --since 30d
  sidecar registry refresh-means credit replica-1/audit replica-2/audit --since 2026-11-01 --until 2026-12-01
  sidecar registry refresh-means credit audit --since 30d --dry-run --json | jq .evidence.groups

Takes the scores of MODEL's released predictions out of the logs in each DIR, verified first; refused ones never count,
and each prediction counts once, however many copies of a log have it. The means become a proposal with its evidence:
active at once where the model's `means` allows for the change, else a person's word is needed: `registry proposals`.
Exit codes: 0 proposed, 1 a log does not hold, a group has too few predictions, the registry refuses; 2 it cannot run.
"""


@click.command("refresh-means", epilog=EPILOG)
@click.argument("model")
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@remote
@public_key
@click.option(
    "--since", metavar="TIME", callback=ago_or_time, required=True, help="From this time on, or for so long: 30d."
)
@click.option("--until", metavar="TIME", callback=unix_ns, help="Before this time.  [default: now]")
@click.option(
    "--min-n",
    type=click.IntRange(min=2),
    metavar="N",
    help=f"Predictions that each group needs.  [default: the model's means.min_n, or {MIN_N}]",
)
@click.option(
    "--temp-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to keep what does not fit in memory: up to 200 bytes a prediction.  [default: the system's]",
)
@click.option("--dry-run", is_flag=True, help="Print the proposal, and propose nothing.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with all of the evidence.")
def command(
    connect: Callable[[], RegistryClient],
    *,
    model: str,
    folders: tuple[Path, ...],
    public_key: Path | None,
    since: int,
    until: int | None,
    min_n: int | None,
    temp_dir: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Propose group means of MODEL, made from the released predictions that the logs in each DIR have."""
    from sidecar.evidence.replay import Span  # noqa: PLC0415 - not for `--help`
    from sidecar.registry.means.predictions import Wanted  # noqa: PLC0415

    if find_spec("duckdb") is None:
        exit_with(
            ["refresh-means needs DuckDB, which is not installed", "run: pip install 'model-policy-sidecar[means]'"]
        )
    with asked(), connect() as registry:
        facts = registry.model(model)
        if facts is None:
            refuse(f"the registry has no model {model}")
            return
        wanted = Wanted(model, _groups(model, facts), Span(since, now_unix_ns() if until is None else until))
        body = _body(folders or (Path("audit"),), wanted, public_key, min_n or _min_n(facts), temp_dir)
        if dry_run:
            click.echo(orjson.dumps(body, option=orjson.OPT_INDENT_2))
            return
        proposal = registry.propose(model, body)
    click.echo(orjson.dumps(proposal, option=orjson.OPT_INDENT_2) if as_json else _told(proposal))


def _groups(model: str, facts: Json) -> tuple[str, ...]:
    groups = cast("list[str]", facts.get("groups") or [])
    if not groups:
        refuse(f"model {model} declares no groups: there is nothing to take means of")
    return tuple(dict.fromkeys(groups))


def _min_n(facts: dict[str, Any]) -> int:
    rule: dict[str, Any] = facts.get("means") or {}
    return int(rule.get("min_n", MIN_N))


def _body(folders: Sequence[Path], wanted: Wanted, key_file: Path | None, min_n: int, temp_dir: Path | None) -> Json:
    """The proposal; ends with exit code 1 where there can be none."""
    from sidecar.evidence import AuditLog  # noqa: PLC0415 - not for `--help`
    from sidecar.registry.means.figures import Contradiction, figures  # noqa: PLC0415
    from sidecar.registry.means.predictions import NotReadable, predictions  # noqa: PLC0415
    from sidecar.registry.means.proposal import proposal, too_few  # noqa: PLC0415
    from sidecar.registry.means.verified import NotVerified, verified  # noqa: PLC0415

    with ended(folders[0]):
        try:
            with progress("Verifying") as tick:
                logs = verified((AuditLog.open(folder, public_key=key_file) for folder in folders), tick)
            records = sum(log.end - log.first for log in logs)
            with click.progressbar(
                length=records, label="Reading", file=sys.stderr, hidden=not sys.stderr.isatty()
            ) as bar:
                found = figures(predictions(logs, wanted, bar.update), wanted.groups, temp_dir)
        except NotVerified as error:
            refuse(*error.problems, "nothing is proposed")
        except (Contradiction, NotReadable) as error:
            refuse(str(error), "nothing is proposed")
        else:
            if few := too_few(found, min_n):
                refuse(*few, "nothing is proposed")
            return proposal(found, wanted, logs)


def _told(proposal: Json) -> str:
    if proposal["state"] != "open":
        return told(proposal)
    command = f"sidecar registry proposals activate {proposal['model']} {proposal['id']}"
    return f"{told(proposal)}\n\nIt waits for a person, who lets it hold by: {command}"
