"""How Alembic runs here: on a connection that `storage.migrate` opened, in its transaction."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, Connection

from storage.tables import Instant, metadata

# One number for all processes that start at once: the first migrates, the rest find it done.
_ADVISORY_LOCK = 5_208_114_077


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Write our own types as what the database sees, so that old migrations never change."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        autogen.imports.add("from sqlalchemy.dialects.postgresql import JSONB")
        return 'sa.JSON().with_variant(JSONB(), "postgresql")'
    return False


def run(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # A migration that waits for a lock makes everybody behind it wait too: give up early.
        connection.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])
