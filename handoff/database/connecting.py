"""A connection to PostgreSQL, and how a transaction on it begins and ends.

How one is opened, directly or through a pooler, is `handoff.database.opening`'s.
"""

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

    __slots__ = ("_beginning", "confined_to", "is_direct")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.is_direct = True
        """Whether it is one server for as long as it lives; a pooler gives it one by one."""
        self.confined_to: str | None = None
        """The role that it never does without, where it has one."""
        self._beginning: str | None = None

    @property
    def is_confined_by_transactions(self) -> bool:
        """Whether it has its role within a transaction alone."""
        return self.confined_to is not None and not self.is_direct

    def next_begins(self, script: str) -> None:
        """The statements, `BEGIN` first, that the next transaction starts with. Never bound."""
        self._beginning = script

    def transaction(self, **_: Any) -> "_Transaction":
        """What SQLAlchemy needs of one. It asks for isolation levels by the script alone."""
        script, self._beginning = self._beginning, None
        return _Transaction(self, script or self._usual())

    def _usual(self) -> str:
        return f"{BEGIN}; SET LOCAL ROLE {self.confined_to}" if self.confined_to else BEGIN


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
