"""The policy-managed database: what rules know of data sets, models, groups and people, and its way to every engine.

Belongs here: tables and their history, who may change what, the documents and signed bundles made of them, the API.
Does not: rules (`rego/`), how an engine works (`policy`), serving requests of models. A process of its own; what it
needs (FastAPI, SQLAlchemy, Alembic) is the extra `registry`. Imported by `cli` only.
"""
