"""`sidecar demo`: real applications, a real model, a real sidecar, and a report that checks itself.

Belongs here: what the demo needs besides the product. Does not: anything that `sidecar run` uses.
Imports `model`, `http1`, the reader of the trail in `audit` and the report on fairness in `evidence`; only `cli`
imports it. The sidecar itself it starts as users do, as a process.

    applications ─▶ training, skewed ─▶ model server ◀─ sidecar ◀─ replay, provoking   each server a process
    policy_data, people ────────────────────────────────┘           └─▶ trail, fairness ─▶ summary ─▶ report
"""
