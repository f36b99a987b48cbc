"""`sidecar audit report`."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.audit.common import ended, fail, since, until
from sidecar.cli.options import default_text, exit_with
from sidecar.settings import Settings
from sidecar.settings.values import parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.evidence.fairness.report import Report
    from sidecar.evidence.replay import Span
    from sidecar.fairness.window import WindowTerms

EPILOG = """\b
Examples:
  sidecar audit report --fairness audit
  sidecar audit report --fairness audit --model credit --plot fairness.png
  sidecar audit report --fairness replica-1/audit replica-2/audit --since 2026-11-20
  sidecar audit report --fairness audit --labels outcomes.csv --json | jq .models[].measures

The log's predictions go through the same windows, test and metrics as in `sidecar run`, in their own time. Several
folders count as one: what a window saw that all of them share. Groups and limits are those of the policy that was kept
last beside the log, or of --data. LABELS is CSV with the columns decision_id, label and, where requests have several
instances, instance; or JSON lines with these members. docs/fairness.md says what each figure means.

Exit codes: 0 told, 1 no predictions (or a log is damaged), 2 it cannot run.
"""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _duration_s(_: click.Context, __: click.Parameter, value: str) -> int:
    try:
        duration_s = parse_duration_s(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if not isinstance(duration_s, float) or duration_s < 1:
        raise click.BadParameter(f"{value!r} is not a duration of a second or more")
    return int(duration_s)


def _longest_s(context: click.Context, option: click.Parameter, value: str) -> int:
    return max(_duration_s(context, option, each) for each in value.split(","))


@click.command("report", epilog=EPILOG)
@click.argument("folders", metavar="[DIR]...", nargs=-1, type=click.Path(path_type=Path))
@click.option("--fairness", is_flag=True, required=True, help="Report on fairness, the one report there is.")
@click.option("--model", metavar="NAME", help="Only this model.")
@click.option("--labels", type=_FILE, metavar="LABELS", help="True outcomes that came in later.")
@click.option("--data", type=_FILE, help="A data document, for groups and limits.  [the one kept last beside the log]")
@since
@until
@click.option(
    "--window-spans",
    metavar="DURATIONS",
    default=default_text(Settings.model_fields["window_spans"]),
    show_default=True,
    callback=_longest_s,
    help="As the sidecar had it; the longest counts.",
)
@click.option(
    "--window-epoch",
    metavar="DURATION",
    default=default_text(Settings.model_fields["window_epoch"]),
    show_default=True,
    callback=_duration_s,
    help="As the sidecar had it.",
)
@click.option(
    "--window-alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=Settings.model_fields["window_alpha"].default,
    show_default=True,
    help="As the sidecar had it.",
)
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="A picture: .png, .svg.")
@click.option("--json", "as_json", is_flag=True, help="One document for a machine.")
def command(
    folders: tuple[Path, ...],
    *,
    fairness: bool,
    model: str | None,
    labels: Path | None,
    data: Path | None,
    since: int | None,
    until: int | None,
    window_spans: int,
    window_epoch: int,
    window_alpha: float,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Tell how predictions went over protected groups in the logs of each DIR, and when it was certain."""
    from sidecar.evidence.fairness.text import told  # noqa: PLC0415 - not for `--help`
    from sidecar.evidence.replay import Span  # noqa: PLC0415
    from sidecar.fairness.window import WindowTerms  # noqa: PLC0415

    del fairness
    if plot is not None and find_spec("matplotlib") is None:
        exit_with(["--plot needs matplotlib, which is not installed", "run: pip install 'model-policy-sidecar[plot]'"])
    terms = WindowTerms(spans_s=(window_spans,), epoch_s=window_epoch, alpha=window_alpha)
    report = _run(folders or (Path("audit"),), terms, data=data, labels=labels, model=model, span=Span(since, until))
    if plot is not None:
        _draw(report, plot)
    click.echo(orjson.dumps(report.as_json(), option=orjson.OPT_INDENT_2) if as_json else told(report))
    if not report.models:
        fail("no prediction was judged" if model is None else f"no prediction of {model} was judged")


def _run(
    folders: Sequence[Path],
    terms: WindowTerms,
    *,
    data: Path | None,
    labels: Path | None,
    model: str | None,
    span: Span,
) -> Report:
    from sidecar.evidence.fairness import facts_of, fairness_report, read_labels  # noqa: PLC0415
    from sidecar.evidence.folders import find_logs  # noqa: PLC0415
    from sidecar.evidence.replay import count_records  # noqa: PLC0415
    from sidecar.policy.problems import PolicyProblems  # noqa: PLC0415

    with ended(folders[0]):
        try:
            logs = list({log.path.resolve(): log for folder in folders for log in find_logs(folder)}.values())
            facts = facts_of(data, logs)
        except PolicyProblems as found:
            exit_with(found.problems)
        outcomes = read_labels(labels) if labels is not None else {}
        records = sum(map(count_records, folders))
        with click.progressbar(length=records, label="Reading", file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
            return fairness_report(logs, facts, terms, model=model, labels=outcomes, span=span, advance=bar.update)


def _draw(report: Report, path: Path) -> None:
    from sidecar.evidence.fairness.png import draw  # noqa: PLC0415

    try:
        draw(report.models, path)
    except (OSError, ValueError) as error:
        exit_with([f"--plot: {error}"])
