"""Which errors of PostgreSQL's are an outage that passes, and which are a bug of ours.

The one place that lists them. A `TimeoutError` is an `OSError`.
"""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

AWAY = (SQLAlchemyError, OSError)
"""For whoever goes on without the database, or comes back to it later, whatever its trouble is."""

MAYBE = (DBAPIError, PoolTimeout, OSError)
"""For whoever must know more: what a database that is away makes its callers see. `is_outage`
tells that from a bug of ours.
"""

_FOR_NOW = ("08", "40", "53", "57")
"""SQLSTATE classes: connection lost, deadlock, out of resources, shutting down or starting up."""


def is_outage(error: Exception) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, DBAPIError) and not isinstance(error, OperationalError | InterfaceError):
        return str(getattr(error.orig, "sqlstate", None))[:2] in _FOR_NOW
    return isinstance(error, MAYBE)
