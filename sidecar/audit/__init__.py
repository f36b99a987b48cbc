"""The audit trail: records, the log that holds them, pseudonyms in them, kept policies.

Belongs here: what is recorded and when, and what is needed beside the log to read it later. Does not: the bytes of
the log (`ledger`), what is made of it (`ship`, `evidence`). The log is the truth; all else is a projection of it.
Imports `model`, `ledger`, `durable` and `secret_file`; imported by `proxy`, `ship`, `evidence`, `demo` and `app`.
"""
