"""Runs the migrations over asyncpg. The address comes from the caller, never from a file."""

import asyncio

from alembic import context
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from handoff.database.opening import engine_without_pool
from handoff.database.schema import is_held
from handoff.database.tables import Table

ADVISORY_LOCK = 7_402_611_853_014_227
"""Two migrations at once wait for each other on this key."""

LOCK_TIMEOUT = "SET LOCAL lock_timeout = '1500ms'"
"""Whoever comes behind a migration that waits for a table waits as long; requests wait 2 s."""

TRIES = 20
PAUSE = 1.0
"""Seconds between two of them, in which whoever was held up goes on."""


def migrate(connection: Connection) -> None:
    """Brings the schema up, or compares it with the models (`alembic check`). Each migration is
    committed by itself: no table stays locked while another one is worked on."""

    @event.listens_for(connection, "begin")
    def _(begun: Connection) -> None:
        begun.exec_driver_sql(LOCK_TIMEOUT)

    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def run() -> None:
    """Two connections: one holds the lock, in a transaction, so that it is kept behind a pooler
    that gives every transaction another server. It reads nothing, so nothing waits for it."""
    engine = engine_without_pool(context.config.attributes["database_dsn"])
    try:
        async with engine.connect() as holder:
            await holder.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            await holder.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            await patiently(engine)
    finally:
        await engine.dispose()


async def patiently(engine: AsyncEngine) -> None:
    """Where somebody holds what is needed, they go first, and what is left is tried again."""
    for tried in range(1, TRIES + 1):
        try:
            async with engine.connect() as connection:
                await connection.run_sync(migrate)
        except DBAPIError as fault:
            if tried == TRIES or not is_held(fault):
                raise
            await asyncio.sleep(PAUSE)
        else:
            return


asyncio.run(run())
