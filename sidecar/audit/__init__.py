"""The audit trail: records, the log that holds them, pseudonyms in them, spans made from them.

The log is the truth; spans and metrics are projections of it. Imports `ledger`, `model`, `durable` and
`secret_file`; imported by `proxy` (as a port), `admin`, `cli` and the composition root.
"""
