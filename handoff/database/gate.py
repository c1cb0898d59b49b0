"""The way to PostgreSQL: connections, transactions, and the one gate to an account's rows.

`Database.account(id)` is how everything that serves one account reads and writes: its `select`
starts every query with the account's own rows, and PostgreSQL itself shows it no others.
`Database.engine_room()` and `Database.glance()` see all accounts; only the engine's upkeep,
identity and the import may use them (a test of the imports says so), and a confined process, the
API, sees little even there.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    CursorResult,
    Executable,
    Select,
    Uuid,
    bindparam,
    event,
    select,
    text,
)
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    create_async_engine,
)

from handoff.database.connecting import BEGIN, Connection
from handoff.database.opening import LOOKUP, TENANT, Opening
from handoff.database.outages import ConnectionLost, is_outage
from handoff.database.turns import Turns
from handoff.errors import HandoffError
from handoff.settings import Settings

_ENTER = f"SET LOCAL ROLE {TENANT}; SET LOCAL handoff.account_id = '{{}}'"
"""Until the end of the transaction: a role that sees one account's rows, and whose those are.

It is written into the script, so it must be an id: whatever is none has no number.
"""

_BOUNDS = (
    "SET LOCAL lock_timeout = '{lock}ms'; SET LOCAL statement_timeout = '{statement}ms'; "
    "SET LOCAL idle_in_transaction_session_timeout = '20s'"
)
"""How long an act of one account waits for another one's lock, and works at one statement.

A process that stands still in the middle of one does not hold its locks for good.
"""

_ONE_MOMENT = f"{BEGIN} ISOLATION LEVEL REPEATABLE READ, READ ONLY"

LOCK_WITHIN = 2_000
"""Milliseconds. Whoever waits for longer holds a connection that somebody else could use."""

STATEMENT_WITHIN = 10_000
MOMENT_WITHIN = 25_000
"""The same for what is read in one piece: reports, exports."""


PATIENCE = 2.0
"""Seconds that an act waits while others of its account hold all connections that one may have."""


@dataclass(frozen=True)
class Gate:
    """Where every query of one account begins."""

    account_id: UUID | BindParameter[UUID]

    def select(self, table: Any, *columns: Any) -> Select[Any]:
        """A query on `table` that sees this account's rows alone."""
        return select(*(columns or (table,))).where(table.account_id == self.account_id)


ANY = Gate(bindparam("of_account", type_=Uuid()))
"""For statements that are made once, and whose account `Tenant.run` names.

Making one anew, and finding again how it was compiled, costs more than PostgreSQL takes for it.
"""


@dataclass(frozen=True)
class Tenant(Gate):
    """One transaction within one account."""

    account_id: UUID
    connection: AsyncConnection

    async def run(self, statement: Executable, **values: Any) -> CursorResult[Any]:
        """A statement of `ANY` account, for this one."""
        return await self.connection.execute(statement, {"of_account": self.account_id, **values})


class Database:
    """A pool of connections. Made once per process, closed at its end."""

    def __init__(self, engine: AsyncEngine, turns: Turns) -> None:
        self._engine = engine
        self._turns = turns
        self._without_transaction = engine.execution_options(isolation_level="AUTOCOMMIT")
        event.listen(engine.sync_engine, "checkout", _must_be_open)

    @classmethod
    def connect(
        cls, settings: Settings, *, pool_size: int = 10, confined: bool = False
    ) -> "Database":
        """Opens nothing yet: the first query connects. Confined, it never sees all of all rows."""
        turns = Turns(at_once=max(2, pool_size * 2 // 5), waiting=pool_size * 10, seconds=PATIENCE)
        opening = Opening(role=LOOKUP if confined else TENANT, confined=confined)
        return cls(
            create_async_engine(
                settings.database_dsn,
                pool_size=pool_size,
                max_overflow=0,
                pool_timeout=5,
                pool_recycle=1800,
                # The connection used last is the next one: it has its statements prepared.
                pool_use_lifo=True,
                # An error tells its statement, never the values: they are what people typed.
                hide_parameters=True,
                connect_args={
                    "timeout": 5,
                    "command_timeout": 30,
                    "async_creator_fn": opening,
                    "server_settings": {"application_name": "handoff"},
                },
            ),
            turns,
        )

    @asynccontextmanager
    async def account(
        self, account_id: UUID, *, at_one_moment: bool = False
    ) -> AsyncIterator[Tenant]:
        """A transaction within one account, committed at the end of the block.

        `at_one_moment`: it reads only, and everything as it was when it began.

        Raises:
            Busy: the account has as much under way as one account may.
            OutcomeUnknown: the answer to the commit was lost.
        """
        script = "; ".join(
            (
                _ONE_MOMENT if at_one_moment else BEGIN,
                _ENTER.format(UUID(int=account_id.int)),
                _BOUNDS.format(
                    lock=LOCK_WITHIN,
                    statement=MOMENT_WITHIN if at_one_moment else STATEMENT_WITHIN,
                ),
            )
        )
        async with self._turns.of(account_id), _held(self._engine.begin()) as connection:
            _driver(connection).next_begins(script)
            yield Tenant(account_id, connection)

    @asynccontextmanager
    async def engine_room(self) -> AsyncIterator[AsyncConnection]:
        """A transaction over all accounts, for upkeep, identity and import alone."""
        async with _held(self._engine.begin()) as connection:
            yield connection

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """Single statements over all accounts, each for itself: who somebody is, at every request.

        A transaction would cost three times as much, and is there only where nothing else confines.
        """
        async with _held(self._without_transaction.connect()) as connection:
            if not _driver(connection).is_confined_by_transactions:
                yield connection
                return
            await connection.execution_options(isolation_level="READ COMMITTED")
            yield connection
            await connection.commit()

    async def ping(self) -> None:
        """Raises when PostgreSQL does not answer."""
        async with self.glance() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        """Gives the connections back."""
        await self._engine.dispose()


@asynccontextmanager
async def _held(
    opening: AbstractAsyncContextManager[AsyncConnection],
) -> AsyncIterator[AsyncConnection]:
    """A connection. However it breaks, or cannot be had at all, that is an outage and no bug: the
    libraries say it in a dozen ways, and the one that was meant is whether it is still open."""
    driver: Connection | None = None
    try:
        async with opening as connection:
            driver = _driver(connection)
            yield connection
    except HandoffError:
        raise
    except Exception as fault:
        if is_outage(fault) or (driver is not None and not driver.is_closed()):
            raise
        raise ConnectionLost from fault


def _driver(connection: AsyncConnection) -> Connection:
    """The driver's own, of one that has been checked out."""
    checked_out = connection.sync_connection
    assert checked_out is not None  # noqa: S101 - it is, from `begin` on
    driver: Connection = checked_out.connection.driver_connection  # type: ignore[assignment]
    return driver


def _must_be_open(connection: Any, *_: object) -> None:
    """After a restart of PostgreSQL nobody's request pays for a dead connection.

    What PostgreSQL has closed is known here without asking it, and is replaced by the pool.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError("PostgreSQL has closed this connection")
