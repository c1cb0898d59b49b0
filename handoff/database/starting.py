"""What a process asks of PostgreSQL before it serves anybody."""

import asyncio

import structlog

from handoff.database import outages
from handoff.database.gate import Database
from handoff.errors import ConfigurationError
from handoff.settings import Settings

logger = structlog.get_logger(__name__)

WITHIN = 2.0
"""Seconds. A database that is away keeps nobody from starting: it is waited for by whoever asks."""


async def must_keep_accounts_apart(settings: Settings, *, confined: bool) -> None:
    """Refuses to start where the way to PostgreSQL loses what confines us. Later on each connection
    is refused for itself.

    Raises:
        ConfigurationError: says what is in the way.
    """
    database = Database.connect(settings, pool_size=1, confined=confined)
    try:
        async with asyncio.timeout(WITHIN):
            await database.ping()
    except outages.Unconfined as fault:
        raise ConfigurationError(f"HANDOFF_DATABASE_URL: {fault}") from None
    except outages.AWAY as fault:
        logger.warning("database.unreachable", cause=outages.cause(fault))
    finally:
        await database.close()
