"""The command line: one file per verb, each loaded only when it is called.

Exit codes: 0 fine, 1 a finding, 2 bad usage or configuration. Nothing but verbs belongs here: what a verb
does lives in the room that it calls.
"""

from __future__ import annotations

from importlib import import_module

import click

_VERBS = {
    "run": "Guard one model server.",
    "check": "Check settings, policy and data without serving.",
    "demo": "Judge real mortgage applications, start to end, in under a minute.",
    "audit": "Read the audit trail: verify, show, prove, export, replay, forget.",
    "policy": "Work on policies: compose the guards of a folder.",
    "version": "Print versions of the sidecar and its engines.",
}


class _Verbs(click.Group):
    """Loads `sidecar.cli.<verb>` on use, so that `--help` and `run` import only what they need."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = import_module(f"sidecar.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.command(
    cls=_Verbs,
    epilog="Start with `sidecar demo`, then `sidecar run --help`.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def main() -> None:
    """Policy enforcement for model serving: each request and response judged, each decision on record."""
