"""Signed bundles for the embedded engine: what OPA does for itself, from the same file of OPA's.

`config` reads the file, `fetching` downloads, `opening` verifies and takes apart, `disk` keeps, `layers` makes engines,
`following` asks for what is new of one bundle and `source` decides what becomes of it: a generation. How old bundles
are and whether one was rolled back is told by the same code as for OPA (`policy.bundle_watch`). Belongs here: all that
is different from a directory or from a remote OPA. Does not: what a bundle is as bytes (`bundles`), evaluation
(`policy.embedded`). Imported by `policy.make` and the composition root.
"""
