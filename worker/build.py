"""The workers of one process: one for the handoffs, and one for each channel of its own queue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from redis.asyncio import Redis
from temporalio.client import Client
from temporalio.worker import Worker

from activities import senders
from activities.deliver import DeliverActivities
from activities.notices import NoticeActivities
from activities.push import PushActivities
from activities.records import RecordActivities
from activities.sender import Sender
from activities.trial import TrialActivities
from activities.webhooks.bells import Bells
from activities.webhooks.follow import SLOTS, WebhookActivities
from activities.webhooks.posting import Poster
from handoff import live
from handoff.database.gate import Database
from handoff.keys import keyring_of
from handoff.rules.channels import WEBHOOK, Channel, named_by_policies, sent_one_by_one
from handoff.settings import Settings
from handoff.temporal import queues
from worker.auditor import Auditor
from worker.sweep import Sweep
from workflows.running import BUILD, GRACE, STICKY_FOR, WORKFLOWS, sandbox

CACHED_WORKFLOWS = 1000
"""About 72 KB each: some 70 MB at the most."""

POLLS = 2
"""Questions for work that wait at the engine for each channel: each of them costs, also while there
is none, and one activity is work for long."""

HEARTBEAT = timedelta(seconds=0.2)
"""A cancellation reaches an activity with its next heartbeat."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What activities work with. Made once per process."""

    settings: Settings
    database: Database
    redis: Redis
    senders: Mapping[str, Sender]
    poster: Poster

    @classmethod
    def connect(cls, settings: Settings) -> "Parts":
        """Opens nothing yet: each part connects when it is first used."""
        database = Database.connect(settings)
        return cls(
            settings,
            database,
            live.new_client(settings),
            senders.all_senders(settings, database),
            Poster(settings),
        )

    async def close(self) -> None:
        """Gives everything back."""
        for sender in self.senders.values():
            await sender.close()
        await self.poster.close()
        await self.redis.aclose()
        await self.database.close()


def handoff_worker(
    client: Client, parts: Parts, *, cached_workflows: int = CACHED_WORKFLOWS
) -> Worker:
    """Runs the workflows, the record and the pushes."""
    records = RecordActivities(parts.database, parts.redis, parts.settings)
    pushes = PushActivities(parts.database, parts.redis)
    trials = _trials(parts)
    notices = NoticeActivities(parts.database, parts.senders)
    longest = max(
        sender.patience.maximum
        for name, sender in parts.senders.items()
        if name in named_by_policies()
    )
    sweep = Sweep(parts.database, parts.settings)
    auditor = Auditor(client, parts.database, parts.settings, longest, sweep)
    return Worker(
        client,
        task_queue=parts.settings.task_queue,
        build_id=BUILD,
        workflows=WORKFLOWS,
        activities=[
            records.record_handoff,
            records.look,
            records.take_step,
            pushes.publish,
            trials.try_ringing,
            notices.leading,
            notices.told,
            auditor.audit,
        ],
        workflow_runner=sandbox(),
        max_cached_workflows=cached_workflows,
        graceful_shutdown_timeout=GRACE,
        sticky_queue_schedule_to_start_timeout=STICKY_FOR,
    )


def channel_worker(client: Client, parts: Parts, channel: Channel) -> Worker:
    """Delivers by one channel: as many activities at once as its sender has connections."""
    deliveries = DeliverActivities(parts.database, parts.redis, parts.senders, parts.settings)
    return Worker(
        client,
        task_queue=queues.channel_queue(parts.settings.task_queue, channel.name),
        build_id=BUILD,
        activities=[
            deliveries.deliver,
            _trials(parts).try_sending,
            NoticeActivities(parts.database, parts.senders).tell,
        ],
        max_concurrent_activities=parts.senders[channel.name].connections,
        max_concurrent_activity_task_polls=POLLS,
        max_heartbeat_throttle_interval=HEARTBEAT,
        default_heartbeat_throttle_interval=HEARTBEAT,
        graceful_shutdown_timeout=GRACE,
    )


def webhook_worker(client: Client, parts: Parts) -> Worker:
    """Follows events for the webhooks of all accounts: most of the time it waits for a bell."""
    quiet = parts.settings.stream_quiet.total_seconds()
    # A sign of life leaves whenever it is given: held back, one slow second is a death.
    beat = parts.settings.webhook_takeover / 4
    webhooks = WebhookActivities(
        parts.database, parts.poster, Bells(parts.redis, quiet=quiet), keyring_of(parts.settings)
    )
    return Worker(
        client,
        task_queue=queues.channel_queue(parts.settings.task_queue, WEBHOOK.name),
        build_id=BUILD,
        activities=[webhooks.follow, webhooks.try_out],
        max_concurrent_activities=SLOTS,
        max_concurrent_activity_task_polls=POLLS,
        max_heartbeat_throttle_interval=beat,
        default_heartbeat_throttle_interval=beat,
        graceful_shutdown_timeout=GRACE,
    )


def all_workers(
    client: Client, parts: Parts, *, cached_workflows: int = CACHED_WORKFLOWS
) -> list[Worker]:
    """Everything that a worker process runs."""
    return [
        handoff_worker(client, parts, cached_workflows=cached_workflows),
        webhook_worker(client, parts),
        *(channel_worker(client, parts, channel) for channel in sent_one_by_one()),
    ]


def _trials(parts: Parts) -> TrialActivities:
    return TrialActivities(parts.database, parts.senders, partial(live.ring, parts.redis))
