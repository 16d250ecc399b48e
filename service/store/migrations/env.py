"""What Alembic runs: on the connection it is handed, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from service.store.tables import Base

connection = context.config.attributes["connection"]
# SQLite cannot alter most of a table: batch mode copies it
context.configure(connection=connection, target_metadata=Base.metadata, render_as_batch=True)
context.run_migrations()
