"""What a policy's author does: check, test, build, publish and try policies; start a repository of them.

Belongs here: work on a folder of Rego and its bundles, before any engine has it. Does not: the composition,
what a bundle must be (`policy`), the bundle format (`bundles`), the registry's side (`registry`), printing (`cli`).
Imported by `cli` only.
"""
