"""`sidecar audit`: reading the trail. One file a verb, each loaded only when it is called.

What a verb does lives in `sidecar.evidence`; here are its options, what it prints and its exit code.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback

import click

from sidecar.cli.verbs import Verbs

_VERBS = {
    "verify": "Check every byte of a log, or one proof.",
    "show": "Tell the story of one decision.",
    "prove": "Write a proof of one decision that stands alone.",
    "witness": "Write what a witness needs to cosign the newest checkpoint.",
    "export": "Print all records, or write them as a C2SP tlog-tiles site.",
    "replay": "Ask a policy again what was asked of it then.",
    "report": "Tell how fair a model's predictions were, group by group, over a log.",
    "forget": "Delete one day's salt, and so who the people of that day were.",
}


class _AuditVerbs(Verbs):
    """With exit codes that an auditor's script can tell apart."""

    def invoke(self, ctx: click.Context) -> object:
        """Runs a verb. Exit code 1 is a finding: whatever else ends a verb has another one."""
        try:
            result: object = super().invoke(ctx)
            sys.stdout.flush()
        except KeyboardInterrupt:
            sys.exit(128 + signal.SIGINT)
        except BrokenPipeError:  # the reader has seen enough: `| head`
            _drop_output()
            sys.exit(128 + signal.SIGPIPE)
        except OSError as error:
            _drop_output()
            click.echo(f"sidecar: {error}", err=True)
            sys.exit(2)
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception:
            traceback.print_exc()  # a defect of ours: all of it is wanted
            sys.exit(2)
        return result


def _drop_output() -> None:
    """What is still to be written goes nowhere, or the interpreter fails on it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(
    "audit",
    cls=_AuditVerbs,
    package=__name__,
    verbs=_VERBS,
    epilog="What the findings mean, and what a log proves: docs/audit.md.",
)
def command() -> None:
    """Read the audit trail: verify, show, prove, export, replay, report, forget."""
