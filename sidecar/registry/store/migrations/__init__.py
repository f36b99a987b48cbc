"""The database's revisions, one file each under `versions`, in Alembic's form. `database.migrate` runs them."""
