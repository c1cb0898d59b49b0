"""The API's own workflow worker: what this process starts, it records by itself.

An eager start hands the workflow's first task back in the answer to the start itself, so recording
a handoff needs neither a queue nor a second process, and whoever waits for it is answered by a
future in memory. The workflow stays on this worker; when this process dies another worker goes on.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from activities.records import RecordActivities
from handoff.contract.messages import NewHandoff, Recorded
from handoff.contract.record import Record
from handoff.database.gate import Database
from handoff.keys import keyring_of
from handoff.settings import Settings
from handoff.temporal.connect import UNANSWERED, connect
from workflows.running import BUILD, GRACE, STICKY_FOR, WORKFLOWS, sandbox

logger = structlog.get_logger(__name__)

RETRY_PAUSE = 1.0

CACHED_WORKFLOWS = 500
"""Those that this process started last; the others are carried on by whoever is free."""

CONNECTIONS = 8

POLLS = 2
"""Each poll holds a slot, and an eager start needs a free one."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the record said, and the new handoff as it stands, if it was written just now."""

    recorded: Recorded
    record: Record | None = None


class OwnWorker:
    """At most one per process, on a client of its own: eager starts need the very same one.

    `client` is None for as long as the engine was not reached, or where there are no slots.
    """

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self.client: Client | None = None
        self.hits = 0
        """Starts whose first task came back with the answer."""
        self.misses = 0
        """Starts for which no slot was free here."""
        self._settings = settings
        self._redis = redis
        self._waiting: dict[UUID, asyncio.Future[Spoken]] = {}
        self._running: asyncio.Task[None] | None = None

    def count(self, handle: WorkflowHandle[Any, Any]) -> bool:
        """Whether the workflow was started eagerly; the engine falls back without a word."""
        eagerly: bool = getattr(handle, "__temporal_eagerly_started", False)
        self.hits += eagerly
        self.misses += not eagerly
        return eagerly

    @contextmanager
    def expecting(self, handoff_id: UUID) -> Iterator[asyncio.Future[Spoken]]:
        """What the record says to this new handoff, if it is recorded in this process."""
        spoken = self._waiting[handoff_id] = asyncio.get_running_loop().create_future()
        try:
            yield spoken
        finally:
            del self._waiting[handoff_id]
            spoken.cancel()

    def start(self) -> None:
        """Works from now on, through any absence of the engine; where there are slots."""
        if self._settings.workflow_slots:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """What it has begun is finished, or left to the other workers."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
            self._running = None

    async def _run(self) -> None:
        database = Database.connect(self._settings, pool_size=CONNECTIONS, confined=True)
        try:
            while True:
                try:
                    await self._work(database)
                except UNANSWERED as fault:
                    logger.warning("own_worker.idle", cause=type(fault).__name__)
                except Exception:  # Else this process would never start anything eagerly again.
                    logger.exception("own_worker.failed")
                finally:
                    self.client = None
                await asyncio.sleep(RETRY_PAUSE)
        finally:
            await database.close()

    async def _work(self, database: Database) -> None:
        client = await connect(keyring=keyring_of(self._settings))
        records = RecordActivities(database, self._redis, self._settings, self._answer)
        worker = Worker(
            client,
            task_queue=self._settings.task_queue,
            build_id=BUILD,
            workflows=WORKFLOWS,
            activities=[records.record_handoff, records.look, records.take_step],
            no_remote_activities=True,
            workflow_runner=sandbox(),
            max_cached_workflows=CACHED_WORKFLOWS,
            max_concurrent_workflow_tasks=self._settings.workflow_slots,
            max_concurrent_workflow_task_polls=POLLS,
            max_concurrent_local_activities=self._settings.workflow_slots,
            graceful_shutdown_timeout=GRACE,
            sticky_queue_schedule_to_start_timeout=STICKY_FOR,
        )
        async with worker:
            self.client = client
            await asyncio.Future()

    def _answer(self, new: NewHandoff, recorded: Recorded, record: Record | None) -> None:
        spoken = self._waiting.get(new.id)
        if spoken is not None and not spoken.done():
            spoken.set_result(Spoken(recorded, record))
