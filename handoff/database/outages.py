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

_OF_ITSELF = ("08", "28", "3D", "53", "57")
"""SQLSTATE classes that tell of connections, logins and the server's state, and of no row."""

LONGEST = 200
"""Characters of what the server said."""

_COLLISIONS = ("40001", "40P01")
"""Serialization failure, deadlock: PostgreSQL has ended one so that the others go on."""

TRIES = 4

_PAUSE = 0.05
"""Seconds; each takes a while of its own, or the same would meet again."""

Wanted = ParamSpec("Wanted")
Answer = TypeVar("Answer")


class ConnectionLost(ConnectionError):
    """A connection to PostgreSQL could not be had, or broke. Before a commit: nothing was done."""


class Unusable(ConnectionError):
    """A connection that nothing may be done with. Its words are for the operator."""


class Unconfined(Unusable):
    """One on which accounts would not be kept apart as they have to be."""


def is_outage(error: BaseException) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, DBAPIError) and not isinstance(error, OperationalError | InterfaceError):
        return _sqlstate(error).startswith(_FOR_NOW)
    return isinstance(error, MAYBE)


def is_collision(error: BaseException) -> bool:
    """Whether PostgreSQL has undone it only because of what others did at the same time."""
    return isinstance(error, DBAPIError) and _sqlstate(error) in _COLLISIONS


def cause(error: BaseException) -> str:
    """The kind of trouble for an operator, by PostgreSQL's own name and code. What it said with it
    only where that is about the server itself: elsewhere it may hold what people typed."""
    told = error
    while isinstance(told, ConnectionLost) and told.__cause__ is not None:
        told = told.__cause__
    if isinstance(told, DBAPIError) and told.orig is not None:
        # The driver's own error lies below what SQLAlchemy makes of it.
        told = told.orig.__cause__ or told.orig
    code = str(getattr(told, "sqlstate", None) or "")
    kind = f"{type(told).__name__} {code}".strip()
    about_itself = isinstance(told, Unusable) or code.startswith(_OF_ITSELF)
    return f"{kind}: {str(told).splitlines()[0][:LONGEST]}" if about_itself and str(told) else kind


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
