"""The command line: one file per verb, each loaded only when it is called.

Exit codes: 0 fine, 1 a finding, 2 bad usage or configuration. Nothing but verbs belongs here: what a verb
does lives in the room that it calls.
"""

from __future__ import annotations

import os
import signal
import sys

import click

from sidecar.cli.verbs import Verbs

_VERBS = {
    "run": "Guard one model server.",
    "check": "Check settings, policy and data without serving.",
    "demo": "Judge real mortgage applications, start to end, in under a minute.",
    "audit": "Read the audit trail: verify, show, prove, export, replay, forget.",
    "policy": "Work on policies: check, test, build, publish, backtest.",
    "registry": "What rules know, and its way to every engine: serve, import, export, propose.",
    "inject": "Write the guarded manifest of a model's Deployment or Pod.",
    "injector": "Guard the pods of a Kubernetes cluster: serve, explain, init, rotate.",
    "version": "Print versions of the sidecar and its engines.",
}


class Process(Verbs):
    """The verbs, in a process that SIGTERM ends from its first moment on, also where it is a container's first one."""

    def invoke(self, ctx: click.Context) -> object:
        """Runs a verb."""
        if os.getpid() == 1:  # no signal has its default action there: pid_namespaces(7)
            signal.signal(signal.SIGTERM, _end)
        return super().invoke(ctx)


def _end(number: int, _: object) -> None:
    sys.exit(128 + number)


@click.command(
    cls=Process,
    package=__name__,
    verbs=_VERBS,
    epilog="Start with `sidecar demo`, then `sidecar run --help`.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
def main() -> None:
    """Policy enforcement for model serving: each request and response judged, each decision on record."""
