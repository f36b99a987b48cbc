"""`sidecar demo`: real applications, a real model, a real sidecar, and a report that checks itself.

Belongs here: what the demo needs besides the product. Does not: anything that `sidecar run` uses.
Imports `model`, `http1` and the reader of the trail in `audit`; only `cli` imports it. The sidecar itself it starts as
users do, as a process.

    applications ─▶ training ─▶ model server ◀─ sidecar ◀─ replay     one process each, but for the first two
    policy_data, people ──────────────────────────┘           └─▶ findings ─▶ report
"""
