"""`sidecar registry proposals`: what waits for a person's word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import orjson

from sidecar.cli.registry.remote import asked, remote
from sidecar.evidence.findings import utc
from sidecar.evidence.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sidecar.registry.client import RegistryClient
    from sidecar.registry.values import Json

EPILOG = """\b
Examples:
  sidecar registry proposals list credit
  sidecar registry proposals activate credit 7
  sidecar registry proposals reject credit 7 --why "the campaign of that week is not what the model is for"

Who activates is a person, and another one than who proposed. docs/group-means.md says what to look at before.
Exit codes: 0 done, 1 the registry refuses, 2 it does not answer.
"""
_model = click.argument("model")
_number = click.argument("number", type=click.IntRange(min=1))
_as_json = click.option("--json", "as_json", is_flag=True, help="As JSON, with all of the evidence.")


@click.group("proposals", epilog=EPILOG)
def command() -> None:
    """Group means that were proposed: list them, activate or reject one."""


@command.command("list")
@_model
@remote
@_as_json
def list_(connect: Callable[[], RegistryClient], *, model: str, as_json: bool) -> None:
    """Print a model's proposals, the newest first."""
    with asked(), connect() as registry:
        found = registry.proposals(model)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
    else:
        click.echo("\n\n".join(told(each) for each in found) or f"{model} has no proposals")


@command.command("activate")
@_model
@_number
@remote
@_as_json
def activate(connect: Callable[[], RegistryClient], *, model: str, number: int, as_json: bool) -> None:
    """Let the means of proposal NUMBER hold from now on."""
    with asked(), connect() as registry:
        _show(registry.activate(model, number), as_json=as_json)


@command.command("reject")
@_model
@_number
@remote
@click.option("--why", required=True, metavar="TEXT", help="For whoever reads the history.")
@_as_json
def reject(connect: Callable[[], RegistryClient], *, model: str, number: int, why: str, as_json: bool) -> None:
    """Take proposal NUMBER off the table."""
    with asked(), connect() as registry:
        _show(registry.reject(model, number, why), as_json=as_json)


def _show(proposal: Json, *, as_json: bool) -> None:
    click.echo(orjson.dumps(proposal, option=orjson.OPT_INDENT_2) if as_json else told(proposal))


def told(proposal: Json) -> str:
    """One for a person."""
    return "\n".join(_lines(proposal))


def _lines(proposal: dict[str, Any]) -> Iterator[str]:
    evidence: dict[str, Any] = proposal["evidence"]
    decided = f", by {printable(proposal['decided_by'])}" if proposal["decided_by"] else ""
    yield f"proposal {proposal['id']} for {printable(proposal['model'])}: {proposal['state']}{decided}"
    yield f"  proposed by {printable(proposal['proposed_by'])}, {utc(int(proposal['proposed_unix_s'] * 1e9))}"
    if proposal["why"]:
        yield f"  {printable(proposal['why'])}"
    groups: dict[str, Any] = evidence["groups"]
    for group, mean in proposal["means"].items():
        yield f"  {printable(group)}: {mean:.6g}{_behind(groups.get(group))}"


def _behind(figures: Any) -> str:
    """What stands behind a mean. Anybody may have written it, in any form."""
    if not isinstance(figures, dict) or not {"n", "lower", "upper"} <= figures.keys():
        return ""
    return printable(f", of {figures['n']} predictions, 95 % between {figures['lower']} and {figures['upper']}")
