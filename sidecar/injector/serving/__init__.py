"""`sidecar injector serve` as a process: two webhooks over TLS, health and metrics beside them.

    patch       JSON patches and differences between a pod and the guarded one (pure)
    review      an AdmissionReview in, its answer out (pure)
    app         routes of both ports (Starlette)
    meters      what is counted
    followed    a file that may change, such as the configuration: its last good content
    certificates    what the webhooks are served with, out of files or Secrets
    settings, starting, running     the process: flags, parts with every problem at once, parts at work until a signal

Does not belong here: what guarding a pod means (`injector.guard` and the rooms below it), what certificates are made of
(`injector.certificates`). Imported by `cli` only.
"""
