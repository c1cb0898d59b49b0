"""Repeats lost signals: a version that the engine has not seen is signalled until it has."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from handoff import engine
from handoff.database import Database, upkeep
from handoff.database.upkeep import Unseen

logger = structlog.get_logger(__name__)

AT_ONCE = 100
SIGNAL_WITHIN = 2.0


async def repeat_nudges(client: Client, database: Database, *, after: timedelta) -> None:
    """Runs until it is cancelled. A pause of `after` lies between two looks."""
    while True:
        await asyncio.sleep(after.total_seconds())
        try:
            waiting = await upkeep.unseen(database, older_than=after, limit=AT_ONCE)
            for change in waiting:
                await _nudge(client, database, change)
        except (SQLAlchemyError, OSError, RPCError, TimeoutError) as fault:
            logger.warning("nudge.failed", cause=type(fault).__name__)


async def _nudge(client: Client, database: Database, change: Unseen) -> None:
    handle = client.get_workflow_handle(engine.workflow_id(change.handoff_id))
    try:
        async with asyncio.timeout(SIGNAL_WITHIN):
            await handle.signal("look")
    except RPCError as refused:
        if refused.status is not RPCStatusCode.NOT_FOUND:
            raise
        if change.is_final:
            await upkeep.forget(database, change)
        return
    logger.info("nudge.repeated", handoff_id=str(change.handoff_id), version=change.version)
