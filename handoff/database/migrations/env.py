"""Runs the migrations over asyncpg. The address comes from the caller, never from a file."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text

from handoff.database.opening import engine_without_pool
from handoff.database.tables import Table

ADVISORY_LOCK = 7_402_611_853_014_227
"""Two migrations at once wait for each other on this key."""


def migrate(connection: Connection) -> None:
    """Brings the schema up, or compares it with the models (`alembic check`)."""
    context.configure(connection=connection, target_metadata=Table.metadata, compare_type=True)
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
        context.run_migrations()


async def run() -> None:
    """One connection, one transaction."""
    engine = engine_without_pool(context.config.attributes["database_dsn"])
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()


asyncio.run(run())
