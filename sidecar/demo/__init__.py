"""`sidecar demo`: real applications, a real model, a real sidecar, and a report that checks itself.

Belongs here: what the demo needs besides the product. Does not: anything that `sidecar run` uses.
Only `sidecar.cli` imports it. It stands above `sidecar.app` and starts it as users do, as a process.

    applications ─▶ training ─▶ model server ◀─ sidecar ◀─ replay     one process each, but for the first two
    policy_data, people ──────────────────────────┘           └─▶ findings ─▶ report
"""
