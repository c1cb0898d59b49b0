"""Which errors of PostgreSQL's are an outage that passes, and which are a bug of ours."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

MAYBE = (DBAPIError, PoolTimeout, OSError)
"""What a database that is away, or in trouble, makes its callers see."""

_FOR_NOW = ("08", "40", "53", "57")
"""SQLSTATE classes: connection lost, deadlock, out of resources, shutting down or starting up."""


def is_outage(error: Exception) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, DBAPIError) and not isinstance(error, OperationalError | InterfaceError):
        return str(getattr(error.orig, "sqlstate", None))[:2] in _FOR_NOW
    return isinstance(error, MAYBE)
