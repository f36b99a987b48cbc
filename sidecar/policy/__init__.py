"""Asking the policy engine, and nothing else: engines, their activation, cache, batches, revision and age.

`port.py` is what an engine must do; `opa.py` and `embedded.py` do it. `compose.py` generates the module that
joins the guards. Only this room makes a `Permit` (`permit.py`): no permit, no forward. Imports `model` and,
for OPA's socket, `http1`; imported by `proxy` and the composition root.
"""
