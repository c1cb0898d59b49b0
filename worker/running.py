"""The worker's life: it waits for the engine, works until told to stop, and stops in order."""

import asyncio
import signal
from contextlib import AsyncExitStack

import structlog
from temporalio.client import Client

from handoff import operator
from handoff.addresses import Listen
from handoff.bucket import must_take_files
from handoff.database.starting import must_keep_accounts_apart
from handoff.keys import keyring_of
from handoff.settings import Settings
from handoff.temporal.connect import UNANSWERED, connect, prepare_namespace
from worker import operator_answers
from worker.auditor import ensure_schedule
from worker.build import Parts, all_workers
from worker.lost_store import StoreWatch
from worker.nudges import repeat_nudges

logger = structlog.get_logger(__name__)

RETRY_PAUSE = 1.0


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Works until `stop` is set; waits for the engine for as long as it takes."""
    await must_keep_accounts_apart(settings, confined=False)
    await must_take_files(settings)
    parts = Parts.connect(settings)
    try:
        while not stop.is_set():
            client = await _connect(settings, stop)
            if client is not None:
                await _work_for(client, parts, stop)
    finally:
        await parts.close()
        logger.info("worker.stopped")


async def _work_for(client: Client, parts: Parts, stop: asyncio.Event) -> None:
    """Until it is asked to stop, or the engine has lost its store.

    Workers that asked for work in vain ask again after ten seconds; new ones ask at once.
    """
    settings = parts.settings
    async with AsyncExitStack() as running:
        for worker in all_workers(client, parts):
            await running.enter_async_context(worker)
        await ensure_schedule(client, settings)
        told = operator_answers.answers(client, parts)
        listen = Listen.parse(settings.operator_listen)
        await running.enter_async_context(operator.serving(told, listen))
        nudges = repeat_nudges(
            client, parts.database, after=settings.nudge_after, task_queue=settings.task_queue
        )
        watch = StoreWatch(client, parts.database, settings)
        beside = [
            asyncio.create_task(one) for one in (nudges, watch.until_it_is_lost(), stop.wait())
        ]
        for one in beside:
            running.callback(one.cancel)
        logger.info("worker.ready", task_queue=settings.task_queue)
        await asyncio.wait(beside, return_when=asyncio.FIRST_COMPLETED)


async def _connect(settings: Settings, stop: asyncio.Event) -> Client | None:
    while not stop.is_set():
        try:
            client = await connect(keyring=keyring_of(settings))
            await prepare_namespace(client)
        except UNANSWERED as fault:
            logger.warning("engine.unreachable", cause=type(fault).__name__)
            await asyncio.sleep(RETRY_PAUSE)
        else:
            return client
    return None


async def serve(settings: Settings) -> None:
    """Stops in order at SIGTERM and Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await work(settings, stop)
