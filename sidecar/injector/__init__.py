"""Guarding pods of Kubernetes: sidecar and OPA are put into a pod that serves a model, and the ways past them closed.

    guard       a pod in, the guarded pod and its explanation out; or all that stands against it
    config      what the operator says: images, engine, limits (`injector.yaml`)
    workloads   the same for Deployments and other objects that carry a pod template
    servers/    what is known of each kind of model server: how it is recognised, bound to loopback, probed
    state       what a guard replaced, so that a guarded pod can be guarded again
    certificates/   an authority and leaves in Secrets, kept up by every replica
    serving/    the process: webhooks over TLS

Belongs here: everything about pods that can be told from their text. All but `serving` and `certificates` is pure:
JSON in, JSON out. Does not belong here: judging requests (`proxy`), commands (`cli`). Works on the JSON of a pod rather
than on models of a client, so that fields younger than this code survive. Imported by `cli` only.
"""
