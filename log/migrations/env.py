"""What Alembic runs for every command: it migrates inside the transaction that `migrate` holds the lock in."""

from __future__ import annotations

from alembic import context

# Alembic runs this file outside any package: no relative import here.
from ratoon.log.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
