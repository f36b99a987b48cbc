"""The four bundles as they go out: made and signed when what is in them has changed (`bundling`, `signing_key`), kept
in memory for those who fetch and those who wait (`waiting`); and what an OPA must be told to fetch them (`opa_config`).

Does not belong here: what is in them (`store`), their format (`sidecar.bundles`), HTTP (`api`). May import `store`.
"""
