"""An append-only, tamper-evident log of records, as bytes.

Belongs here: the files of one log (segments of frames, tiles, checkpoint), what writes them durably, what opens
them again after a crash, and the proofs over them (RFC 6962, C2SP tlog-tiles). Does not: what a record says, HTTP,
policy, asyncio. Imports `model` and `durable`; imported by `audit` (which writes), `ship` and `evidence` (which read),
`app`, and `cli` (for its errors, and the form of keys).

    records ─▶ appender ─▶ segments/frames      durable, then acknowledged
                  └─▶ merkle ─▶ notary ─▶ tiles, signed checkpoint      about once a second, over durable records only
"""
