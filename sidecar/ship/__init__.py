"""Shipping: what is on record goes to a collector and to an archive, from the log, behind a cursor, at least once.

Belongs here: a process of its own (`python -m sidecar.ship`) that reads one slot's ledger below its newest checkpoint,
makes spans and log records of it, copies it to an archive, and remembers what was acknowledged. Nothing here is on
the way of a request; the log is the truth, and whatever ends this process loses nothing. Does not belong here: writing
the ledger, proving or judging it. Imports `ledger`, `audit` (ids, kinds, heads), `model`, `telemetry`,
`durable`; imported by the composition root, which supervises the process and shows its lag.

    ledger ─▶ tail ─▶ exchanges ─▶ span, log_record ─▶ encode ─▶ collector     the destination `otlp`
          └─▶ segments, tiles, checkpoints ─▶ store                            the destination `archive`
                 each in a thread of its own (loop), each behind a cursor
    cursor + ledger ─▶ lag         for the metrics page, true also while the process is dead
    archive ─▶ anchor              whether a log still continues what was archived, asked at its start
"""
