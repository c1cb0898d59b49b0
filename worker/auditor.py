"""Nothing stalls silently: finds handoffs without a workflow, late rounds, dead deliveries, and
workflow tasks that fail again and again; heals what can be healed and writes down the rest."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    WorkflowExecutionStatus,
)
from temporalio.service import RPCError, RPCStatusCode

from handoff.database.gate import Database
from handoff.database.operations import health, idempotency, upkeep
from handoff.database.operations.health import Finding
from handoff.database.operations.upkeep import Living
from handoff.settings import Settings
from handoff.temporal import queues, search_attributes
from worker.orphans import start_again
from workflows.audit import AUDIT, AuditWorkflow

logger = structlog.get_logger(__name__)

SCHEDULE = "handoff-auditor"
AT_ONCE = 300
AT_THE_SAME_TIME = 10
STUCK_AFTER = 5
"""A workflow task that failed so often does not mend itself."""

KEYS_FOR = timedelta(hours=48)


@dataclass(frozen=True, slots=True)
class Auditor:
    """The audit's activity."""

    client: Client
    database: Database
    settings: Settings
    longest_pause: timedelta
    """Between two attempts at a message, by the most patient channel."""

    @activity.defn(name=AUDIT)
    async def audit(self) -> int:
        """One look; how many workflows had to be started again."""
        started, stuck = await self._compare()
        findings = [
            *stuck,
            *await self._unrecorded(),
            *await health.late_steps(self.database, grace=self.settings.audit_grace),
            *await health.stalled_messages(
                self.database,
                grace=self._message_grace(),
                longest_pause=self.longest_pause,
            ),
        ]
        await health.keep_audit(self.database, findings, started)
        for finding in findings:
            logger.error("audit.found", kind=finding.kind, handoff_id=str(finding.handoff_id))
        await upkeep.purge_closed(self.database, closed_for=self.settings.purge_after)
        await idempotency.purge_keys(self.database, KEYS_FOR)
        return started

    def _message_grace(self) -> timedelta:
        """A message may wait for a slow server, and in a long queue, without being dead."""
        return max(self.settings.audit_grace * 5, self.settings.smtp_timeout * 8)

    async def _compare(self) -> tuple[int, list[Finding]]:
        """Goes on at once while much is missing, as after the loss of Temporal's store."""
        started, findings = 0, []
        batch = await upkeep.closed_but_owing(
            self.database, older_than=self._message_grace(), limit=AT_ONCE
        )
        while True:
            activity.heartbeat()
            batch += await upkeep.to_audit(self.database, limit=AT_ONCE)
            found = await self._look_at(batch)
            batch = []
            findings += [one for one in found if isinstance(one, Finding)]
            missing = sum(one is True for one in found)
            started += missing
            if missing < AT_ONCE // 2:
                return started, findings

    async def _look_at(self, batch: list[Living]) -> list[Finding | bool]:
        turn = asyncio.Semaphore(AT_THE_SAME_TIME)

        async def one(living: Living) -> Finding | bool:
            async with turn:
                return await self._look_at_one(living)

        return list(await asyncio.gather(*(one(living) for living in batch)))

    async def _look_at_one(self, living: Living) -> Finding | bool:
        """True when it had to be started again, a finding when its workflow is stuck."""
        handle = self.client.get_workflow_handle(queues.workflow_id(living.handoff_id))
        try:
            seen = await handle.describe()
        except RPCError as refused:
            if refused.status is RPCStatusCode.NOT_FOUND:
                return await self._start_again(living)
            # The others are looked at all the same; this one again at the next look.
            logger.warning("audit.unanswered", handoff_id=str(living.handoff_id))
            return False
        if seen.status is not WorkflowExecutionStatus.RUNNING:
            return await self._start_again(living)
        if seen.raw_description.pending_workflow_task.attempt > STUCK_AFTER:
            return Finding("stuck_workflow_task", living.handoff_id, "its workflow does not go on")
        return False

    async def _unrecorded(self) -> list[Finding]:
        """Handoffs that the engine accepted (202) and that still have no record."""
        since = datetime.now(UTC) - self.settings.audit_grace
        query = (
            f"WorkflowType = 'Handoff' AND TaskQueue = '{self.settings.task_queue}'"
            f" AND ExecutionStatus = 'Running' AND {search_attributes.ROUND.name} = 0"
            f" AND StartTime < '{since.isoformat()}'"
        )
        running = self.client.list_workflows(query, limit=AT_ONCE)
        found = [queues.handoff_id(one.id) async for one in running]
        ids = [handoff_id for handoff_id in found if handoff_id is not None]
        known = await upkeep.recorded(self.database, ids)
        return [
            Finding("not_recorded", handoff_id, "accepted, and its record cannot be written")
            for handoff_id in ids
            if handoff_id not in known
        ]

    async def _start_again(self, living: Living) -> bool:
        queue = self.settings.task_queue
        return await start_again(self.client, living, task_queue=queue)


async def ensure_schedule(client: Client, settings: Settings) -> None:
    """The schedule by which the auditor looks, as the settings are now; it looks at once."""
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            AuditWorkflow.run, id=SCHEDULE, task_queue=settings.task_queue
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=settings.audit_every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP),
    )
    name = f"{SCHEDULE}-{settings.task_queue}"
    try:
        await client.create_schedule(name, schedule, trigger_immediately=True)
    except ScheduleAlreadyRunningError:
        handle = client.get_schedule_handle(name)
        await handle.update(lambda _: ScheduleUpdate(schedule))
        await handle.trigger()
