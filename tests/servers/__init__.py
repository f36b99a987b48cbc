"""The testbed: real model servers, each with the model `credit`, for end-to-end tests and for trying by hand.

`model/` holds the formula that all of them serve, `mlserver/` and `torchserve/` what each needs to serve it.
`run.py` knows how each is started, `process.py` starts and stops them for good, `fixtures.py` gives them to
tests; `scripts/install-servers` installs them. A further server is one more folder, one function in `run.py`
and one line in the install script. Only tests and scripts use this; `sidecar` never does.
"""
