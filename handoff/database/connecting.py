"""How a connection to PostgreSQL is opened, and how a transaction on it begins.

asyncpg asks for TLS first. Cancelled in that moment, it leaves a future behind whose failure nobody
reads, and asyncio reports an error where somebody only stopped, or asked for something else.
"""

import asyncio
from typing import Any

import asyncpg

from handoff.errors import OutcomeUnknown

BEGIN = "BEGIN"

_UNDONE = ("23", "40")
"""SQLSTATE classes of a commit that PostgreSQL has refused: constraint violated, rolled back."""


class Connection(asyncpg.Connection):  # type: ignore[misc]
    """One whose next transaction begins with what was asked for: in one round trip, and by itself.

    A transaction that has begun without what confines it does not exist, not even for a moment.
    """

    __slots__ = ("_beginning",)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._beginning = BEGIN

    def next_begins(self, script: str) -> None:
        """The statements, `BEGIN` first, that the next transaction starts with. Never bound."""
        self._beginning = script

    def transaction(self, **_: Any) -> "_Transaction":
        """What SQLAlchemy needs of one. It asks for isolation levels by the script alone."""
        script, self._beginning = self._beginning, BEGIN
        return _Transaction(self, script)


class _Transaction:
    def __init__(self, connection: Connection, script: str) -> None:
        self._connection = connection
        self._script = script

    async def start(self) -> None:
        try:
            await self._connection.execute(self._script)
        except BaseException:
            # Begun by half, it must not be anybody's next connection.
            self._connection.terminate()
            raise

    async def commit(self) -> None:
        try:
            await self._connection.execute("COMMIT")
        except asyncpg.PostgresError as fault:
            if str(fault.sqlstate)[:2] in _UNDONE:
                raise
            raise self._unknown() from fault
        except Exception as fault:
            raise self._unknown() from fault
        except BaseException:
            self._connection.terminate()
            raise

    async def rollback(self) -> None:
        await self._connection.execute("ROLLBACK")

    def _unknown(self) -> OutcomeUnknown:
        """The question may have arrived where its answer did not."""
        self._connection.terminate()
        return OutcomeUnknown(
            "The record's answer was lost, so it may have been done. Look, or send it again: with "
            "the same Idempotency-Key it is done once."
        )


async def open_whole(*arguments: Any, **options: Any) -> asyncpg.Connection:
    """As `asyncpg.connect`. Cancelled, it returns at once, and what is opened by then is closed."""
    opening = asyncio.ensure_future(
        asyncpg.connect(*arguments, connection_class=Connection, **options)
    )
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise


def _close(opened: asyncio.Future[asyncpg.Connection]) -> None:
    if not opened.cancelled() and opened.exception() is None:
        opened.result().terminate()
