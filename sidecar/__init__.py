"""model-policy-sidecar: a policy enforcement layer in front of one model server.

Read `docs/architecture.md` for the rooms, and `sidecar/proxy/exchange.py` for the way of one request.
"""

__version__ = "0.1.0"
