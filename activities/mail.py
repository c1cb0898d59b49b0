"""Mail: the messages of one batch, each sent at least once and told of honestly in the ledger.

The record is asked again right before each message leaves. Delays are data on the error that is
raised for the messages still unsettled; the ledger, not the engine, says which those are.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis
from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.email.letters import compose, message_id, sender_address
from activities.email.mailer import Mailer
from activities.email.smtp_outcome import SmtpOutcome
from activities.email.wording import bundled, letter_about
from handoff import live
from handoff.contract.messages import MailBatch
from handoff.contract.record import Record
from handoff.contract.words import RETRIED, DeliveryState, Priority
from handoff.database.gate import Database
from handoff.database.messages import last_look, outbox
from handoff.database.messages.bundles import Turn, settle_led, take_turn
from handoff.database.messages.outbox import DueMail
from handoff.database.records import find_record
from handoff.rules.causes import Cause
from handoff.settings import Settings

logger = structlog.get_logger(__name__)

BEAT_EVERY = 0.2

SHOWN_WITHIN = 1.0
"""Seconds within which a live page says that it has shown a call."""


class _Result(NamedTuple):
    """What became of one mail: how long to wait before it is tried again, or its end."""

    pause: timedelta | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True)
class MailActivities:
    """Everything that goes through the mail server."""

    database: Database
    redis: Redis
    mailer: Mailer
    settings: Settings

    @activity.defn
    async def send_mail(self, batch: MailBatch) -> bool:
        """Sends what the batch still owes; whether something failed, which the engine must see.

        Raises:
            ApplicationError: some failed for a while; says when to try again.
        """
        async with self.database.account(batch.account_id) as tenant:
            due = await outbox.due(tenant, batch, burst=self.settings.burst_window)
            found = await find_record(tenant, batch.handoff_id)
        if found is None:
            return False
        async with _heartbeats():
            delivered = await self._deliver_all(batch, due, found[0])
        pauses = [one.pause for one in delivered if one.pause is not None]
        if pauses:
            raise ApplicationError(
                f"{len(pauses)} of {batch.count} to be tried again",
                type="MailDelayed",
                next_retry_delay=min(pauses),
                category=ApplicationErrorCategory.BENIGN,
            )
        # What failed in an earlier attempt was not told yet.
        return activity.info().attempt > 1 or any(one.failed for one in delivered)

    async def _deliver_all(
        self, batch: MailBatch, due: list[DueMail], record: Record
    ) -> list[_Result]:
        """Several at a time, so that one slow mailbox does not hold up all behind it.

        At most half of the connections: other handoffs' mails have to leave, too.
        """
        turn = asyncio.Semaphore(max(1, self.settings.smtp_connections // 2))

        async def one(mail: DueMail) -> _Result:
            async with turn:
                return await self._deliver(batch, mail, record)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(mail)) for mail in due]
        return [task.result() for task in tasks]

    async def _deliver(self, batch: MailBatch, mail: DueMail, record: Record) -> _Result:
        """One mail, as far as it can be settled now."""
        turn = await self._turn(batch, mail, record)
        if turn.wait is not None:
            return _Result(pause=turn.wait)
        own_id = self._message_id(batch, mail)
        leaving = asyncio.Event()

        async def may_leave() -> bool:
            async with self.database.account(batch.account_id) as tenant:
                if await last_look.begin_sending(tenant, batch, mail, message_id=own_id):
                    leaving.set()
            return leaving.is_set()

        async def attempt() -> _Result:
            letter = letter_about(mail, record, self.settings, message_id=own_id)
            outcome = await self.mailer.send(
                compose(bundled(letter, mail, turn.companions, self.settings)),
                to=mail.address,
                envelope_from=sender_address(self.settings.smtp_from),
                before_data=may_leave,
            )
            if outcome is None:
                return _Result()
            return await self._settle(batch, mail, outcome, leads=bool(turn.companions))

        return await _finish_once_leaving(attempt(), leaving)

    async def _turn(self, batch: MailBatch, mail: DueMail, record: Record) -> Turn:
        """In a burst, a person's calls wait for each other; urgent ones never do.

        A policy may hold mail back from somebody who has the call on their screen. One that has
        been tried waits for its own time, not for company.
        """
        held = max(_held_back(mail, record.policy.email_delay), self._resting(mail))
        if held > timedelta(0):
            return Turn(wait=held)
        alone = not mail.is_call or record.priority is Priority.URGENT
        if alone or not (mail.in_a_burst or mail.was_led):
            return Turn()
        delay = timedelta(0) if mail.tried else self.settings.burst_delay
        async with self.database.account(batch.account_id) as tenant:
            return await take_turn(tenant, batch, mail, delay=delay)

    def _resting(self, mail: DueMail) -> timedelta:
        """How much longer a mail that was tried rests: its batch may be woken for another one."""
        if mail.state not in RETRIED:
            return timedelta(0)
        return mail.changed_at + self._pause(mail.tried) - datetime.now(UTC)

    def _pause(self, tried: int) -> timedelta:
        initial, maximum = self.settings.smtp_retry_initial, self.settings.smtp_retry_maximum
        return outbox.pause(tried, initial=initial, maximum=maximum)

    async def _settle(
        self, batch: MailBatch, mail: DueMail, outcome: SmtpOutcome, *, leads: bool
    ) -> _Result:
        state, cause = outcome.state, outcome.cause.value
        again = state in RETRIED
        if again and datetime.now(UTC) - mail.queued_at > self.settings.smtp_retry_for:
            state, cause, again = DeliveryState.FAILED, Cause.GAVE_UP.value, False
        attempt = outbox.MailAttempt(state, cause, outcome.code)
        async with self.database.account(batch.account_id) as tenant:
            failure = await outbox.settle(tenant, batch, mail, attempt)
            if state is DeliveryState.SENT and leads:
                own_id = self._message_id(batch, mail)
                await settle_led(tenant, batch, mail, attempt, message_id=own_id)
        logger.info(
            f"mail.{state.value}",
            handoff_id=str(batch.handoff_id),
            recipient_id=str(mail.recipient_id),
            cause=cause,
            code=outcome.code,
        )
        if failure is not None:
            await live.ring(self.redis, batch.account_id, [failure])
        pause = self._pause(mail.tried + 1) if again else None
        return _Result(pause, failed=state is DeliveryState.FAILED)

    def _message_id(self, batch: MailBatch, mail: DueMail) -> str:
        """The same for every attempt: whoever gets a message twice can see that it is one."""
        name = f"{batch.handoff_id}.{batch.event_number}.{mail.recipient_id}"
        return message_id(name, self.settings.public_url)


def _held_back(mail: DueMail, email_delay: float) -> timedelta:
    """How much longer a call is held back. A page has a moment to say that it has shown it."""
    if not mail.is_call or not email_delay:
        return timedelta(0)
    longest = email_delay if mail.seen else min(email_delay, SHOWN_WITHIN)
    return mail.queued_at + timedelta(seconds=longest) - datetime.now(UTC)


async def _finish_once_leaving(
    attempt: Coroutine[Any, Any, _Result], leaving: asyncio.Event
) -> _Result:
    """A cancelled attempt ends at once, unless its message is leaving: then its fate is awaited."""
    task = asyncio.ensure_future(attempt)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if not leaving.is_set():
            task.cancel()
        await asyncio.wait([task])
        raise


@asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    """Tells Temporal that this worker lives, and hears whether to stop; most mails are faster."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY)
            activity.heartbeat()

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
