"""`sidecar policy`: what a policy's author does. One file a verb, each loaded only when it is called.

What a verb does lives in `sidecar.authoring`; here are its options, what it prints and its exit code.
"""

from __future__ import annotations

import click

from sidecar.cli.verbs import FindingVerbs

_VERBS = {
    "init": "Start a policy repository: shipped rules, an example of your own, tests, workflow.",
    "check": "Tell everything that is wrong with a policy.",
    "test": "Run a policy's tests, and ask its decision vectors of both engines.",
    "build": "Make the signed bundle of a commit.",
    "backtest": "Hold a candidate against recorded decisions.",
    "publish": "Bring a bundle to where engines fetch it.",
    "status": "Show modes and would-deny rates of running sidecars.",
    "compose": "Generate the module that joins the guards of a folder.",
}


@click.command(
    "policy",
    cls=FindingVerbs,
    package=__name__,
    verbs=_VERBS,
    epilog="From a commit to every engine: docs/policy-lifecycle.md.",
)
def command() -> None:
    """Work on policies: start, check, test, build, try and publish them; see what they do."""
