"""What the verbs of `sidecar policy` share: arguments, engines, and how findings are told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
import orjson

from sidecar.cli.options import exit_with

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sidecar.authoring.check import Report
    from sidecar.authoring.findings import Finding
    from sidecar.authoring.opa import Opa

root = click.argument("root", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("policy"))
token_file = click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The registry's bearer token.  [default: SIDECAR_REGISTRY_TOKEN]",
)
ca_file = click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Authorities to trust for the registry's https.  [default: the system's]",
)
as_json = click.option("--json", "as_json", is_flag=True, help="One document for a machine.")
vectors = click.option(
    "--vectors",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Decision vectors.  [default: the folder `vectors` beside ROOT]",
)
coverage = click.option(
    "--coverage",
    "least_percent",
    type=click.FloatRange(0, 100),
    default=100.0,
    show_default=True,
    metavar="PERCENT",
    help="The least share of lines that tests must reach.",
)


def looked(look: Callable[[Opa], Report], *, as_json: bool) -> NoReturn:
    """Runs a check, tells what it found, and exits: 1 with a finding, 2 without OPA."""
    from sidecar.authoring.opa import NoOpa, Opa  # noqa: PLC0415 - not for `--help`

    try:
        report = look(Opa.find())
    except NoOpa as error:
        exit_with([str(error)])
    click.echo(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2) if as_json else _text(report))
    sys.exit(1 if report.problems else 0)


def _text(report: Report) -> str:
    lines = [f"notice: {one.as_text()}" if one.is_notice else one.as_text() for one in report.findings]
    lines.append(f"{len(report.problems)} findings" if report.problems else "good")
    reached = "" if report.coverage_percent is None else f", which reach {report.coverage_percent:.1f} % of its lines"
    lines[-1] += f": {report.files} files, {len(report.guards)} guards, {report.tests} tests{reached}"
    lines[-1] += "".join(f", {count} vectors on {engine}" for engine, count in sorted(report.vectors.items()))
    return "\n".join(lines)


def found(findings: Iterable[Finding]) -> NoReturn:
    """Tells what is wrong on standard error, and exits 1."""
    for one in findings:
        click.echo(f"sidecar: {one.as_text()}", err=True)
    sys.exit(1)
