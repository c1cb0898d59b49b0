"""What PostgreSQL is asked, one question per round trip, in the order in which it is asked.

Preparing a statement, which a connection does once, is not counted.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from asyncpg.prepared_stmt import PreparedStatement

from handoff.database.connecting import Connection

Questions = list[tuple[int, str]]
"""By which connection, and what."""


def transaction(asked: Questions, act: str) -> list[str]:
    """The whole of the first transaction in which something like `act` was asked."""
    number, connection = next(
        (number, connection) for number, (connection, asks) in enumerate(asked) if act in asks
    )
    own = [(other, asks) for other, (by, asks) in enumerate(asked) if by == connection]
    begun = max(other for other, asks in own if other <= number and asks.startswith("BEGIN"))
    ended = min(other for other, asks in own if other >= number and asks == "COMMIT")
    return [asks for other, asks in own if begun <= other <= ended]


@contextmanager
def overheard(monkeypatch: pytest.MonkeyPatch) -> Iterator[Questions]:
    """All connections of this process are listened to."""
    asked: Questions = []
    run_script, run_statement = Connection.execute, PreparedStatement.fetch

    async def script(self: Connection, query: str, *arguments: Any, **options: Any) -> Any:
        asked.append((id(self), query))
        return await run_script(self, query, *arguments, **options)

    async def statement(self: Any, *arguments: Any, **options: Any) -> Any:
        asked.append((id(self._connection), self.get_query()))
        return await run_statement(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Connection, "execute", script)
        patched.setattr(PreparedStatement, "fetch", statement)
        yield asked
