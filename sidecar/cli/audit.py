"""`sidecar audit`: reading the trail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from sidecar.audit import lookup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

audit_dir = click.argument(
    "audit_dir", type=click.Path(exists=True, file_okay=False, path_type=Path), default=Path("audit")
)


@click.group("audit")
def command() -> None:
    """Read the audit trail."""


@command.command("export", epilog="\b\nExample:\n  sidecar audit export audit | jq .kind | sort | uniq -c")
@audit_dir
def export(audit_dir: Path) -> None:
    """Print all records of AUDIT_DIR as JSON lines, in order: the exact bytes of the log."""
    out = sys.stdout.buffer
    for record in lookup.export(audit_dir):
        out.write(record + b"\n")


@command.command("show", epilog="\b\nExample:\n  sidecar audit show 6f0c… audit")
@click.argument("decision_id")
@audit_dir
@click.option("--json", "as_json", is_flag=True, help="The records as they are, one a line.")
def show(decision_id: str, audit_dir: Path, *, as_json: bool) -> None:
    """Tell the story of one decision, in order. Exits 1 where AUDIT_DIR has no such decision."""
    records = lookup.show(audit_dir, decision_id)
    if not records:
        click.echo(f"sidecar: no record of {decision_id} in {audit_dir}", err=True)
        sys.exit(1)
    for record in records:
        click.echo(record.decode() if as_json else _story(orjson.loads(record)))


def _story(record: Mapping[str, Any]) -> str:
    """One record as a few lines for a person."""
    endpoint: Mapping[str, Any] = record.get("endpoint") or {}
    lines = [f"{record['kind']}  #{record['sequence']}  {_time(record['time_unix_ns'])}"]
    if endpoint:
        lines.append(f"  endpoint   {endpoint['protocol']} {endpoint['operation']} of {endpoint['model']}")
    lines += [f"  {name:9}  {value}" for name, value in _facts(record.get("input") or {})]
    if record.get("result"):
        lines.append(f"  result     {record['result']}, status {record['status']}")
    decision = record.get("decision")
    if decision:
        lines.append(f"  decision   {'allow' if decision['allow'] else 'deny'} under {record['policy_revision']}")
        lines += _reasons("because", decision["reasons"]) + _reasons("in shadow", decision["shadow"])
    return "\n".join(lines)


def _facts(found: Mapping[str, Any]) -> list[tuple[str, object]]:
    attributes: Mapping[str, Any] = found.get("attributes") or {}
    facts: list[tuple[str, object]] = [
        (name.removeprefix("data_").removeprefix("consent_"), f"{read['value']} ({read['status']})")
        for name, read in attributes.items()
        if "status" in read
    ]
    if found.get("consent"):
        facts.append(("consent", found["consent"]["status"]))
    if found.get("prediction"):
        facts.append(("scores", found["prediction"]["scores"]))
    return facts


def _reasons(title: str, reasons: Sequence[Mapping[str, str]]) -> list[str]:
    return [f"  {title:9}  {reason['code']}: {reason['message']}" for reason in reasons]


def _time(unix_ns: int) -> str:
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime.fromtimestamp(unix_ns / 1e9, UTC).isoformat(timespec="milliseconds")
