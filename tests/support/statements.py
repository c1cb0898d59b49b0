"""Statements are compiled once per run. Each desk opens three engines, and each of them alone would
compile every statement of its own: a quarter of what most tests take.
"""

from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import Engine
from sqlalchemy.util import LRUCache

_KNOWN: LRUCache[Any, Any] = LRUCache(2000)


def compile_once() -> None:
    """From now on; all engines of this process talk to the same kind of server in the same way."""

    def is_alike(self: PGDialect_asyncpg, other: object) -> bool:
        return type(self) is type(other)

    # A dialect is part of what a compiled statement is known by.
    PGDialect_asyncpg.__eq__ = is_alike  # type: ignore[method-assign, assignment]
    PGDialect_asyncpg.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign]

    @event.listens_for(Engine, "engine_connect")
    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=_KNOWN)
