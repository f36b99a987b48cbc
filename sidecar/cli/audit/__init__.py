"""`sidecar audit`: reading the trail. One file a verb, each loaded only when it is called.

What a verb does lives in `sidecar.evidence`; here are its options, what it prints and its exit code.
"""

from __future__ import annotations

import click

from sidecar.cli.verbs import FindingVerbs

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


@click.command(
    "audit",
    cls=FindingVerbs,
    package=__name__,
    verbs=_VERBS,
    epilog="What the findings mean, and what a log proves: docs/audit.md.",
)
def command() -> None:
    """Read the audit trail: verify, show, prove, export, replay, report, forget."""
