"""PostgreSQL's clock. It decides every time on which more than one process has to agree: a machine
of ours may run ahead or behind.
"""

from datetime import datetime

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncConnection


async def present(connection: AsyncConnection) -> datetime:
    """The time at this moment, whenever the transaction began."""
    now: datetime | None = await connection.scalar(func.clock_timestamp().select())
    assert now is not None  # noqa: S101 - it always has one
    return now
