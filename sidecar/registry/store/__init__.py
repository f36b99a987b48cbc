"""What is on record, on SQLite or PostgreSQL. `registry.Registry` is the door: all others in here serve it.

    database    which database, at which revision; a transaction that reads, one that writes
    tables, migrations/     its tables, and how they came about
    writing     one change: its author, its sequence, its lines of history, what bundles it touches
    records, revoked, lineage, proposals, policies      what a change does, and what is there
    bodies, drift       what a record and a proposal must be (pure)
    documents, export, history      what is read as a whole: for bundles, for a file, as of some time

Does not belong here: HTTP, who may do what, bundles as bytes. May import `values`, and of other rooms what a data
document must be (`policy`) and how an archive is read (`bundles`).
"""
