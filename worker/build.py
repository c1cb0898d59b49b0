"""Two workers in one process: the handoffs, and their mail on a queue of its own."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from redis.asyncio import Redis
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.email.mailer import Mailer
from activities.mail import MailActivities
from activities.push import PushActivities
from activities.records import RecordActivities
from activities.trial import TrialActivities
from handoff import live
from handoff.addresses import SmtpAddress
from handoff.database.gate import Database
from handoff.settings import Settings
from handoff.temporal import queues
from worker.auditor import Auditor
from workflows.audit import AuditWorkflow
from workflows.handoff import HandoffWorkflow
from workflows.trial import TrialWorkflow

GRACE = timedelta(seconds=5)
"""How long running activities may go on after a stop was asked for."""

CACHED_WORKFLOWS = 1000
"""About 72 KB each: some 70 MB at the most."""

BUILD = "handoff"
"""Told to the engine. Left out, its library reads and hashes all code that is loaded, at a start:
a second where there is much of it, for a name that nothing here asks for."""

HEARTBEAT = timedelta(seconds=0.2)
"""A cancellation reaches an activity with its next heartbeat."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What activities work with. Made once per process."""

    settings: Settings
    database: Database
    redis: Redis
    mailer: Mailer

    @classmethod
    def connect(cls, settings: Settings) -> "Parts":
        """Opens nothing yet: each part connects when it is first used."""
        mailer = Mailer(
            SmtpAddress(settings.smtp_url.get_secret_value()),
            timeout=settings.smtp_timeout,
            connections=settings.smtp_connections,
        )
        return cls(settings, Database.connect(settings), live.connect(settings), mailer)

    async def close(self) -> None:
        """Gives everything back."""
        await self.mailer.close()
        await self.redis.aclose()
        await self.database.close()


def handoff_worker(
    client: Client, parts: Parts, *, cached_workflows: int = CACHED_WORKFLOWS
) -> Worker:
    """Runs the workflows, the record and the pushes."""
    records = RecordActivities(parts.database, parts.redis, parts.settings)
    pushes = PushActivities(parts.database, parts.redis)
    trials = _trials(parts)
    auditor = Auditor(client, parts.database, parts.settings)
    return Worker(
        client,
        task_queue=parts.settings.task_queue,
        build_id=BUILD,
        workflows=[HandoffWorkflow, AuditWorkflow, TrialWorkflow],
        activities=[
            records.record_handoff,
            records.look,
            records.take_step,
            pushes.publish,
            trials.ring_test_push,
            auditor.audit,
        ],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(
                "handoff", "activities"
            )
        ),
        max_cached_workflows=cached_workflows,
        graceful_shutdown_timeout=GRACE,
        # A dead worker's workflows are picked up by another one after so long.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
    )


def mail_worker(client: Client, parts: Parts) -> Worker:
    """Sends the mail: as many activities at once as there are connections to the mail server."""
    mails = MailActivities(parts.database, parts.redis, parts.mailer, parts.settings)
    trials = _trials(parts)
    return Worker(
        client,
        task_queue=queues.mail_queue(parts.settings.task_queue),
        build_id=BUILD,
        activities=[mails.send_mail, trials.send_test_mail],
        max_concurrent_activities=parts.settings.smtp_connections,
        max_heartbeat_throttle_interval=HEARTBEAT,
        default_heartbeat_throttle_interval=HEARTBEAT,
        graceful_shutdown_timeout=GRACE,
    )


def _trials(parts: Parts) -> TrialActivities:
    ring = partial(live.ring, parts.redis)
    return TrialActivities(parts.database, parts.mailer, parts.settings, ring)
