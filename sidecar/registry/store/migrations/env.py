"""What Alembic runs for `database.migrate`, on its connection and within its transaction: nothing is committed here."""

from __future__ import annotations

from alembic import context

from sidecar.registry.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
