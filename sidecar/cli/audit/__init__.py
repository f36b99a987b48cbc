"""`sidecar audit`: reading the trail. One file a verb, each loaded only when it is called.

What a verb does lives in `sidecar.evidence`; here are its options, what it prints and its exit code.
"""

from __future__ import annotations

from importlib import import_module

import click

_VERBS = {
    "verify": "Check every byte of a log, or one proof.",
    "show": "Tell the story of one decision.",
    "prove": "Write a proof of one decision that stands alone.",
    "export": "Print all records, or write them as a C2SP tlog-tiles site.",
    "replay": "Ask a policy again what was asked of it then.",
    "forget": "Delete one day's salt, and so who the people of that day were.",
}


class _Verbs(click.Group):
    """Loads `sidecar.cli.audit.<verb>` on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = import_module(f"sidecar.cli.audit.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_VERBS.items()))


@click.command("audit", cls=_Verbs, epilog="What the findings mean, and what a log proves: docs/audit.md.")
def command() -> None:
    """Read the audit trail: verify, show, prove, export, replay, forget."""
