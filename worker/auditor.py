"""Nothing stalls silently: finds handoffs without a workflow, late rounds, dead deliveries, and
workflow tasks that fail again and again; heals what can be healed and writes down the rest."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

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
from handoff.temporal.connect import UNANSWERED
from worker.followers import Followers
from worker.nudges import look_again
from worker.orphans import is_flooded, is_stuck, start_again
from worker.sweep import Sweep
from workflows.audit import AUDIT, AuditWorkflow

logger = structlog.get_logger(__name__)

SCHEDULE = "handoff-auditor"
AT_ONCE = 300
AT_THE_SAME_TIME = 10
PAGE = 1000
KEYS_FOR = timedelta(hours=48)

TOLD_FOR = timedelta(hours=1)
"""So long readiness tells of what was accepted in vain."""

REMIND_WITHIN = 2.0

Suspect = tuple[Living, bool]
"""A handoff, and whether its workflow has not seen a change for long."""


@dataclass(frozen=True, slots=True)
class Auditor:
    """The audit's activity."""

    client: Client
    database: Database
    settings: Settings
    longest_pause: timedelta
    """Between two attempts at a message, by the most patient channel."""
    sweep: Sweep

    @activity.defn(name=AUDIT)
    async def audit(self) -> int:
        """One look; how many workflows had to be started again."""
        clocks = await self._clocks()
        started, stuck = await self._compare()
        followers = Followers(self.client, self.database, self.settings)
        started += await followers.look()
        grace = self.settings.audit_grace
        late = await health.late_steps(self.database, grace=grace, limit=AT_ONCE)
        await self._remind(late)
        findings = [
            *stuck,
            *await followers.look_at_silent(grace=self._message_grace()),
            *clocks,
            *await self._unrecorded(),
            *late[: health.SHOWN],
            *await health.accepted_in_vain(self.database, within=TOLD_FOR),
            *await health.stalled_messages(
                self.database,
                grace=self._message_grace(),
                longest_pause=self.longest_pause,
            ),
        ]
        await health.keep_audit(self.database, findings, started)
        for finding in findings:
            logger.error(
                "audit.found",
                kind=finding.kind,
                handoff_id=str(finding.handoff_id or ""),
                detail=finding.detail,
            )
        await upkeep.purge_closed(self.database, closed_for=self.settings.purge_after)
        await upkeep.purge_files(self.database, older_than=self.settings.purge_after)
        await idempotency.purge_keys(self.database, KEYS_FOR)
        await upkeep.forget_refusals(self.database, older_than=KEYS_FOR)
        # Last: nothing else of the audit waits for a bucket.
        await self.sweep.look()
        return started

    def _message_grace(self) -> timedelta:
        """A message may wait for a slow server, and in a long queue, without being dead."""
        return max(self.settings.audit_grace * 5, self.settings.smtp_timeout * 8)

    async def _compare(self) -> tuple[int, list[Finding]]:
        """Compares the engine's running workflows with the record, page by page; the suspects alone
        are looked at one by one. How many were started again, and what cannot be healed."""
        started = 0
        findings: list[Finding] = []
        async for suspects in self._suspects(await self._running()):
            for healed in await self._look_at(suspects):
                started += healed is True
                findings += [healed] if isinstance(healed, Finding) else []
        return started, findings

    async def _running(self) -> set[UUID]:
        """The handoffs whose workflow runs, as the engine lists them: new ones may be missing."""
        query = (
            f"WorkflowType = 'Handoff' AND TaskQueue = '{self.settings.task_queue}'"
            " AND ExecutionStatus = 'Running'"
        )
        found: set[UUID] = set()
        async for listed in self.client.list_workflows(query, page_size=PAGE):
            if (handoff_id := queues.handoff_id(listed.id)) is not None:
                found.add(handoff_id)
            activity.heartbeat()
        return found

    async def _suspects(self, running: set[UUID]) -> AsyncIterator[list[Suspect]]:
        """Whose workflow is not among the running ones, or has not seen a change for long."""
        grace = self._message_grace()
        owing = await upkeep.closed_but_owing(self.database, older_than=grace, limit=PAGE)
        yield [(one, False) for one in owing if one.handoff_id not in running]
        unseen = await upkeep.unseen(
            self.database, older_than=self.settings.audit_grace, but=(), limit=PAGE
        )
        yield [(one, True) for one in unseen]
        after = None
        while page := await upkeep.living_page(self.database, after=after, limit=PAGE):
            activity.heartbeat()
            after = page[-1].handoff_id
            yield [(one, False) for one in page if one.handoff_id not in running]

    async def _look_at(self, suspects: list[Suspect]) -> list[Finding | bool]:
        turn = asyncio.Semaphore(AT_THE_SAME_TIME)

        async def one(suspect: Suspect) -> Finding | bool:
            async with turn:
                activity.heartbeat()
                return await self._heal(*suspect)

        return list(await asyncio.gather(*(one(suspect) for suspect in suspects)))

    async def _heal(self, living: Living, is_deaf: bool) -> Finding | bool:
        """True when it had to be started again, a finding when it does not go on for all that."""
        handle = self.client.get_workflow_handle(queues.workflow_id(living.handoff_id))
        try:
            seen = await handle.describe()
            if seen.status is not WorkflowExecutionStatus.RUNNING:
                return await self._start_again(living)
            description = seen.raw_description
            if is_stuck(description):
                await self._start_again(living, instead=True)
                return Finding("stuck_workflow_task", living.handoff_id, "it had to be replaced")
            return is_deaf and await self._replace_deaf(living, description)
        except RPCError as refused:
            if refused.status is RPCStatusCode.NOT_FOUND:
                return await self._start_again(living)
            # The others are looked at all the same; this one again at the next look.
            logger.warning("audit.unanswered", handoff_id=str(living.handoff_id))
            return False

    async def _replace_deaf(self, living: Living, description: Any) -> bool:
        """One that was nudged again and again and has no task to show for it takes no signals any
        more. One that was flooded has tasks and tasks, and may never come to look."""
        if description.HasField("pending_workflow_task") and not is_flooded(description):
            return False
        return await self._start_again(living, instead=True)

    async def _clocks(self) -> list[Finding]:
        """Whose clock is not PostgreSQL's: by the engine's rounds start, by ours mails wait."""
        ours = await health.clock_ahead(self.database)
        engines = activity.info().started_time - (datetime.now(UTC) - ours)
        said = (
            health.clock_trouble("the worker's", ours),
            health.clock_trouble("the engine's", engines),
        )
        return [Finding(health.CLOCK, None, words) for words in said if words]

    async def _remind(self, late: list[Finding]) -> None:
        """Tells the workflows of late steps to look again: what is named may be healed by that."""
        ids = [finding.handoff_id for finding in late if finding.handoff_id is not None]
        turn = asyncio.Semaphore(AT_THE_SAME_TIME)

        async def one(living: Living) -> None:
            async with turn:
                activity.heartbeat()
                await self._remind_one(living)

        await asyncio.gather(*map(one, await upkeep.living_among(self.database, ids)))

    async def _remind_one(self, living: Living) -> None:
        try:
            async with asyncio.timeout(REMIND_WITHIN):
                await look_again(self.client, living, task_queue=self.settings.task_queue)
        except UNANSWERED as fault:
            cause = type(fault).__name__
            logger.warning("nudge.unanswered", handoff_id=str(living.handoff_id), cause=cause)

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

    async def _start_again(self, living: Living, *, instead: bool = False) -> bool:
        queue = self.settings.task_queue
        return await start_again(self.client, living, task_queue=queue, instead=instead)


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
