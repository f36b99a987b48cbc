"""Proof by force that the audit loses nothing: a real sidecar under load, killed or with a failing disk under it.

`history.py` says what was seen and by whom, `oracle.py` what must be true of it; `upstream.py` is a model server that
notes what reaches it and outlives every sidecar, `load.py` are its clients, `lives.py` starts and kills sidecars,
`faults.py` makes their disk fail. The tests are `tests/e2e/test_crash.py` and `tests/e2e/test_disk.py`; those of the
oracle lie beside it.
"""
