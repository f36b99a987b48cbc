"""Asking the policy engine, and nothing else: engines, their activation, cache, batches, revision and age.

`port.py` is what an engine must do; `opa.py` and `embedded.py` do it. `compose.py` generates the module that
joins the guards. `bundle_watch.py` sees to it that bundles are not older than they were, and knows how old they are;
OPA gets its own, `bundled/` those of the embedded engine. `cross_check.py` holds one engine against the other. Whoever
publishes a policy asks `examine.py` whether engines may have it. Only this room makes a `Permit` (`permit.py`): no
permit, no forward. Imports `model`, `bundles`, `durable`, `file_changes` and, for OPA's socket and bundles of a server,
`http1`; imported by `proxy`, `evidence`, `authoring`, `registry` and the composition root.
"""
