"""The testbed: real model servers, each with the model `credit`, for end-to-end tests and for trying by hand.

`model/` holds the formula that they serve. Each has a folder: `server.py` starts it as a context manager, `client.py`
is its own Python client at work, the rest is what it needs to serve the model. `process.py` starts and stops them for
good, `run.py` lists them, `fixtures.py` gives them to tests, `tap.py` hears what reaches them, and
`scripts/install-servers` installs them. A further server is one more folder, its row in `run.py` and in `fixtures.py`,
and its lines in the install script. Only tests and scripts use this; `sidecar` never does.
"""
