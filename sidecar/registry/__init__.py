"""The policy-managed database: what rules know of data sets, models, groups and people, and its way to every engine.

    values      the words that all of it shares: records, changes, proposals, refusals
    store/      what is on record, with its history; in it `registry.Registry`, the one door to the database
    shelf/      the signed bundles that are made of it, and engines that wait for the next ones
    access/     who asks, and what they may do
    api/        HTTP over the four above
    serving/    the process: its settings, its start, its end
    client      the API from the other side; what `importing/` (files of others) and `means/` (group means out of audit
                logs) make is sent through it

Does not belong here: rules (`rego/`), how an engine works and what a policy must be (`policy`), serving requests of
models. A process of its own; what it needs (FastAPI, SQLAlchemy, Alembic) is the extra `registry`. Imported by `cli`
only.
"""
