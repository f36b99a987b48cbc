"""Verifying a log: every byte of every file in its folder, against what its key signed.

    run ─▶ notes       identity, checkpoints
        ─▶ files       every file has its place and its name
        ─▶ tree        the tiles, from the signed root down
        ─▶ segments ─▶ records ─▶ damage, frames, heads     each byte of the records, in order, once
                          └─▶ leaves ─▶ tree, unsigned      their hashes against the tree

Belongs here: what must be so, and what it is called where it is not. Imported by `evidence.log` and the command line.
"""
