"""How a connection to PostgreSQL is opened: directly or through a pooler, and never without what
confines it.

A pooler that shares servers by transaction keeps nothing of a session: prepared statements have no
names behind it, and a role is taken on by each transaction. Whether one is in between is asked of
every connection, and not of a setting: it gives out numbers of its own instead of the server's.
"""

import asyncio
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from handoff.database.connecting import BEGIN, Connection
from handoff.database.outages import Unconfined, Unusable

TENANT = "handoff_tenant"
"""The role of everything that serves one account: it sees that account's rows."""

LOOKUP = "handoff_lookup"
"""A confined process's role: who somebody is, and whether anything stalls; no customer's text."""

_NO_SUCH_ROLE, _NOT_GRANTED = "22023", "42501"

_BY_STATEMENT = "statement pooling"
"""PgBouncer's words for a mode in which there are no transactions."""


class Opening:
    """Opens connections as `asyncpg.connect` does; what SQLAlchemy calls `async_creator_fn`."""

    def __init__(self, *, role: str | None = None, confined: bool = False) -> None:
        """`role`: what its transactions have to be able to take on.

        `confined`: nothing is ever asked without that role.
        """
        self._role = role
        self._confined = confined
        self._is_pooled = False
        """Whether the last one led through a pooler: the next one most likely does as well."""

    async def __call__(self, *arguments: Any, **options: Any) -> Connection:
        """Cancelled, it returns at once, and what is opened by then is closed.

        asyncpg asks for TLS first. Cancelled in that moment, it leaves a future behind whose
        failure nobody reads, and asyncio reports an error where somebody only stopped.

        Raises:
            Unconfined: what would confine it does not hold.
            Unusable: it lacks a role.
        """
        opening = asyncio.ensure_future(self._open(*arguments, **options))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            opening.add_done_callback(_close)
            raise

    async def _open(self, *arguments: Any, **options: Any) -> Connection:
        connection = await self._connect(*arguments, **options)
        try:
            if self._role is not None:
                await _must_hold(connection, self._role)
            if self._confined and self._role is not None:
                connection.confined_to = self._role
                if connection.is_direct:
                    await _confine(connection, self._role)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _connect(self, *arguments: Any, **options: Any) -> Connection:
        """With prepared statements by name, which are faster, if nothing is in between."""
        unnamed = self._is_pooled
        connection = await _connected(*arguments, unnamed=unnamed, **options)
        self._is_pooled = not connection.is_direct
        if connection.is_direct or unnamed:
            return connection
        await connection.close()
        return await _connected(*arguments, unnamed=True, **options)


async def _connected(*arguments: Any, unnamed: bool, **options: Any) -> Connection:
    """`unnamed`: each statement is sent with its text, so that any server can carry it out."""
    if unnamed:
        options["statement_cache_size"] = 0
    connection: Connection = await asyncpg.connect(
        *arguments, connection_class=Connection, **options
    )
    try:
        own = f"pg_backend_pid() = {connection.get_server_pid()}"
        connection.is_direct = await _says(connection, own)
    except BaseException:
        connection.terminate()
        raise
    return connection


def engine_without_pool(database_dsn: str) -> AsyncEngine:
    """For what is done once, as the login that the address names: migrations, and looks at them."""
    return create_async_engine(
        database_dsn, poolclass=NullPool, connect_args={"async_creator_fn": Opening()}
    )


async def _must_hold(connection: Connection, role: str) -> None:
    """A transaction takes the role on, and has it until its end."""
    try:
        await connection.execute(f"{BEGIN}; SET LOCAL ROLE {role}")
        holds = await _says(connection, f"current_user = '{role}'")
        await connection.execute("ROLLBACK")
    except asyncpg.PostgresError as fault:
        if fault.sqlstate == _NO_SUCH_ROLE:
            raise Unusable(f"there is no role {role}: run `handoff migrate`") from fault
        if fault.sqlstate == _NOT_GRANTED:
            raise Unusable(f"this login may not take on the role {role}: grant it") from fault
        if _BY_STATEMENT not in str(fault):
            raise
        holds = False
    if not holds:
        raise _lost(role)


async def _confine(connection: Connection, role: str) -> None:
    """For good: what is asked outside of transactions is asked in this role as well."""
    await connection.execute(f"SET ROLE {role}")
    if not await _says(connection, f"current_user = '{role}'"):
        raise _lost(role)


async def _says(connection: Connection, condition: str) -> bool:
    """Asked in a way that prepares nothing, which any server behind a pooler can answer."""
    told: str = await connection.execute(f"SELECT WHERE {condition}")
    return told == "SELECT 1"


def _lost(role: str) -> Unconfined:
    return Unconfined(
        f"what is between us and PostgreSQL does not keep the role {role}, so nothing would keep "
        "accounts apart but our own queries; a pooler has to pool by transaction or by session"
    )


def _close(opened: asyncio.Future[Connection]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result().terminate()
