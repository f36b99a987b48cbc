"""`sidecar audit verify`: the whole log, or one proof."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from sidecar.cli.audit.common import fail, folder, opened, progress, public_key
from sidecar.cli.options import exit_with
from sidecar.evidence.findings import utc
from sidecar.evidence.prove import NotProven, check_proof
from sidecar.evidence.verify.notes import NOTE_LIMIT_BYTES
from sidecar.ledger.checkpoint import claimed_checkpoint
from sidecar.ledger.keys import read_public
from sidecar.ledger.note import NoteInvalid

if TYPE_CHECKING:
    from sidecar.evidence.findings import Finding
    from sidecar.evidence.report import Report

EPILOG = """\b
Examples:
  sidecar audit verify audit
  sidecar audit verify audit --public-key trusted.pub --against checkpoint-of-last-month
  sidecar audit verify archive/0f3c… --public-key trusted.pub --json
  sidecar audit verify --proof decision.json --public-key trusted.pub

DIR is an audit folder, a slot's folder in it, its `ledger`, or one log of an archive. A sidecar may be writing to it.
Exit codes: 0 it holds, 1 it does not (with each place and what it means), 2 it cannot be checked.
"""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("verify", epilog=EPILOG)
@folder
@public_key
@click.option("--against", type=_FILE, metavar="FILE", help="An older checkpoint of the log, which it must continue.")
@click.option("--proof", type=_FILE, metavar="FILE", help="Check what `audit prove` wrote, without any log.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON.")
def command(folder: Path, public_key: Path | None, against: Path | None, proof: Path | None, *, as_json: bool) -> None:
    """Check every byte of the logs in DIR: records, order, tree, signatures. Or one proof."""
    if proof is not None:
        _verify_proof(proof, public_key, as_json=as_json)
        return
    older = _read_older(against) if against is not None else None
    with opened(folder, public_key) as log, progress("verifying") as tick:
        reports = log.verify(against=older, tick=tick)
        trust = _trust(log.key_file, is_default=public_key is None)
    if as_json:
        click.echo(orjson.dumps({"key_file": str(log.key_file), "logs": [report.as_json() for report in reports]}))
    else:
        click.echo("\n\n".join([*map(_tell, reports), trust]))
    sys.exit(0 if all(report.holds for report in reports) else 1)


def _read_older(path: Path) -> bytes:
    """A checkpoint, whoever signed it; a file that is none was named by mistake, and says nothing of the log."""
    with path.open("rb") as file:
        note = file.read(NOTE_LIMIT_BYTES)
    try:
        claimed_checkpoint(note)
    except NoteInvalid:
        exit_with([f"{path} is no signed checkpoint: give a copy of the `checkpoint` that a log had"])
    return note


def _trust(key_file: Path, *, is_default: bool) -> str:
    if not is_default:
        return f"keys: {key_file}"
    return (
        f"keys: {key_file}, the default. Who can change the log can mostly change that file too: compare the key\n"
        "      above with one that you were given, or name your own copy with --public-key."
    )


def _tell(report: Report) -> str:
    lines = [f"log {report.log_id or '(unknown)'} in {report.folder}", *_summary(report)]
    for finding in [*report.problems, *report.notices]:
        lines += ["", *_tell_finding(finding)]
    lines += [f"  … and {count:,} more of {code}" for code, count in report.hidden.items()]
    verdict = "holds" if report.holds else f"DOES NOT HOLD: {_kinds(report)}"
    return "\n".join([*lines, "", f"  {verdict}"])


def _summary(report: Report) -> list[str]:
    last = report.first + report.records - 1
    until = f", the last of {utc(report.last_unix_ns)}" if report.last_unix_ns else ""
    lines = [
        f"  records  {report.records:,}: {report.first:,} to {last:,}{until}" if report.records else "  records  none"
    ]
    if report.root is not None:
        lines.append(f"  signed   {report.size:,}, root {report.root.hex()}")
    return lines + [f"  key      {vkey}" for vkey in report.keys]


def _tell_finding(finding: Finding) -> list[str]:
    kind = "notice" if finding.is_notice else "FOUND"
    lines = [f"  {kind:7}  {finding.code}: {finding.what}"]
    if finding.place:
        lines.append(f"           at {finding.place}")
    if finding.last:
        lines.append(f"           and the next {finding.count - 1:,}, up to {finding.last}")
    return [*lines, f"           {finding.meaning}"]


def _kinds(report: Report) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in report.problem_counts.items())


def _verify_proof(proof: Path, public_key: Path | None, *, as_json: bool) -> None:
    if public_key is None:
        exit_with(["--proof needs --public-key: a proof is worth what you know of the key"])
    try:
        records = check_proof(proof.read_bytes(), read_public(public_key))
    except NotProven as error:
        fail(f"{proof} proves nothing: {error}")
    except ValueError as error:
        exit_with([str(error)])
    if as_json:
        click.echo(orjson.dumps({"holds": True, "records": records}))
        return
    for record in records:
        what = f"record {record['sequence']} of log {record['log']}, {record['kind']}, {utc(record['time_unix_ns'])}"
        click.echo(f"proven: {what}")
    click.echo(f"keys: {public_key}")
