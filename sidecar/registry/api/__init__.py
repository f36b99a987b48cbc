"""The registry's HTTP API, version 1: FastAPI over `store.registry.Registry`.

Belongs here: routes, what they take and answer, who may call them (`guard`), how a refusal is told (`problems`).
Does not: what a record must be and how it is stored (`store`), how bundles are made (`shelf`), who somebody is
(`access`). Imported by `serving` and tests only.
"""
