"""The registry's HTTP API, version 1: FastAPI over the facade `registry.Registry`.

Belongs here: routes, what they take and answer, who may call them (`guard`), how a refusal is told (`problems`).
Does not: what a record must be and how it is stored (`registry`), how bundles are made (`bundling`). Imported by
`registry.serving` and tests only.
"""
