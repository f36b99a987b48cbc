"""`sidecar injector`: guarding the pods of a cluster. One file a verb, each loaded only when it is called.

What a verb does lives in `sidecar.injector`, but for `init`, whose keys (`release_keys`) are those of the registry and
of sidecars. `serve` with certificates of its own, and `rotate`, need the extra `injector`.
"""

from __future__ import annotations

from sidecar.cli.verbs import FindingVerbs

_VERBS = {
    "serve": "Serve the webhooks that guard pods, and keep up certificates.",
    "explain": "Show what guarding does to a manifest, without a cluster.",
    "init": "Make the keys of a release: Secrets to apply, values for the chart.",
    "rotate": "Renew certificates now that the injector manages itself.",
}

command = FindingVerbs(
    "injector",
    package=__name__,
    verbs=_VERBS,
    help="Put sidecar and OPA into every pod that serves a model, and close the ways past them.",
    epilog="Start with `sidecar injector explain --help`; the chart runs `serve`: docs/kubernetes.md.",
)
