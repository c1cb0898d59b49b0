"""Which errors of PostgreSQL's are an outage that passes, and which are a bug of ours.

The one place that lists them. A `TimeoutError` is an `OSError`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from handoff.errors import Unreachable

AWAY = (SQLAlchemyError, OSError, Unreachable)
"""For whoever goes on without the database, or comes back to it later, whatever its trouble is."""

MAYBE = (DBAPIError, PoolTimeout, OSError)
"""For whoever must know more: what a database that is away makes its callers see. `is_outage`
tells that from a bug of ours.
"""

_FOR_NOW = ("08", "40", "53", "57", "55P03")
"""SQLSTATE classes: connection lost, collision, out of resources, shutting down or starting up; and
one of its own: locked by somebody for too long."""

_COLLISIONS = ("40001", "40P01")
"""Serialization failure, deadlock: PostgreSQL has ended one so that the others go on."""

TRIES = 4

_PAUSE = 0.05
"""Seconds; each takes a while of its own, or the same would meet again."""

Wanted = ParamSpec("Wanted")
Answer = TypeVar("Answer")


class ConnectionLost(ConnectionError):
    """A connection to PostgreSQL could not be had, or broke. Before a commit: nothing was done."""


def is_outage(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, DBAPIError) and not isinstance(error, OperationalError | InterfaceError):
        return _sqlstate(error).startswith(_FOR_NOW)
    return isinstance(error, MAYBE)


def is_collision(error: BaseException) -> bool:
    """Whether PostgreSQL has undone it only because of what others did at the same time."""
    return isinstance(error, DBAPIError) and _sqlstate(error) in _COLLISIONS


def cause(error: BaseException) -> str:
    """The kind of trouble for a log, by PostgreSQL's own name: never a word of what it said."""
    if isinstance(error, DBAPIError):
        kind = type(getattr(error.orig, "__cause__", None) or error.orig).__name__
        return f"{kind} {_sqlstate(error)}".strip()
    root = error
    while isinstance(root, ConnectionLost) and root.__cause__ is not None:
        root = root.__cause__
    return cause(root) if isinstance(root, DBAPIError) else type(root).__name__


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", None) or "")


def tried_again(
    work: Callable[Wanted, Awaitable[Answer]],
) -> Callable[Wanted, Awaitable[Answer]]:
    """Makes of a function with a transaction of its own one that does not mind a collision."""

    @wraps(work)
    async def repeated(*arguments: Wanted.args, **options: Wanted.kwargs) -> Answer:
        for left in range(TRIES - 1, 0, -1):
            try:
                return await work(*arguments, **options)
            except DBAPIError as fault:
                if not is_collision(fault):
                    raise
            # Not for a secret: only so that two do not come back in the same moment.
            await asyncio.sleep(_PAUSE * (TRIES - left) * random.uniform(0.5, 1.5))  # noqa: S311
        return await work(*arguments, **options)

    return repeated
