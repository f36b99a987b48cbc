"""`sidecar registry`: the policy-managed database. One file a verb, each loaded only when it is called.

What a verb does lives in `sidecar.registry`; here are its options, what it prints and its exit code. All of it needs
the extra `registry`.
"""

from __future__ import annotations

from sidecar.cli.verbs import FindingVerbs

_VERBS = {
    "serve": "Serve the database's API and its signed bundles.",
    "migrate": "Make the tables, or bring them to this version.",
    "token": "Make a bearer token and let it in.",
    "opa-config": "Print OPA's configuration for the bundles of a registry.",
    "import": "Write records out of CSV, JSON or MLflow's dataset records.",
    "export": "Print the data document, now or as of then.",
    "refresh-means": "Compute group means out of audit logs, and propose them.",
    "proposals": "List proposed group means; activate or reject one.",
}

command = FindingVerbs(
    "registry",
    package=__name__,
    verbs=_VERBS,
    help="What rules know of data sets, models, groups and people, and its way to every engine.",
    epilog="Start with `sidecar registry token --help`, then `sidecar registry serve --help`: docs/registry.md.",
)
