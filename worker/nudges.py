"""Repeats lost signals: a version that the engine has not seen is signalled until it has."""

import asyncio
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from handoff import engine
from handoff.database import Database, upkeep
from handoff.database.upkeep import Living
from worker.orphans import start_again

logger = structlog.get_logger(__name__)

AT_ONCE = 100
SIGNAL_WITHIN = 2.0


async def repeat_nudges(
    client: Client, database: Database, *, after: timedelta, task_queue: str
) -> None:
    """Runs until it is cancelled. A pause of `after` lies between two looks."""
    while True:
        await asyncio.sleep(after.total_seconds())
        try:
            for living in await upkeep.unseen(database, older_than=after, limit=AT_ONCE):
                await _nudge(client, living, task_queue)
        except (SQLAlchemyError, OSError, RPCError, TimeoutError) as fault:
            logger.warning("nudge.failed", cause=type(fault).__name__)


async def _nudge(client: Client, living: Living, task_queue: str) -> None:
    handle = client.get_workflow_handle(engine.workflow_id(living.handoff_id))
    try:
        async with asyncio.timeout(SIGNAL_WITHIN):
            await handle.signal("look")
    except RPCError as refused:
        if refused.status is not RPCStatusCode.NOT_FOUND:
            raise
        # It ended, or was lost with the engine's store, before it saw this change.
        await start_again(client, living, task_queue=task_queue)
    else:
        handoff_id = str(living.handoff_id)
        logger.info("nudge.repeated", handoff_id=handoff_id, version=living.version)
