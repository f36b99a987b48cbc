"""Bundles as files: OPA's archive of policy or data with its manifest and its signature.

Belongs here: writing, reading, signing and verifying one, as bytes, the same whoever does it. Does not: what is in
it (`policy` checks modules and data, `registry` makes data), where it comes from or goes to. No I/O, no engine.
Imported by `policy`, `registry` and `authoring`.
"""
