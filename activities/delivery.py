"""One message on its way, by whichever channel: its turn, its last look, its attempt, its end."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, NamedTuple

import structlog
from redis.asyncio import Redis

from activities.ledger import Ledger
from activities.sender import Message, NotNow, Occasion, Sender, SendOutcome
from handoff import live
from handoff.contract.record import Record
from handoff.contract.words import RETRIED, Content, DeliveryState, EventType, Priority
from handoff.database.gate import Database
from handoff.database.messages.bundles import Led, Turn, take_turn
from handoff.database.messages.outbox import Due
from handoff.database.messages.settling import LedgerAttempt, put_back
from handoff.rules.causes import REFUSALS, Cause
from handoff.rules.channels import Channel
from handoff.rules.content import event_within, of_channel, record_within
from handoff.rules.policy import held_back

logger = structlog.get_logger(__name__)

SHOWN_WITHIN = timedelta(seconds=1)
"""A live page says within this time that it has shown a call."""

AT_ONCE = timedelta(0)


class Fate(NamedTuple):
    """What became of one message for now: how long until it is tried again, or its end.

    `unreached`: nobody gets it any more. `refused`: for good, unless everybody is; `end` says so.
    """

    pause: timedelta | None = None
    unreached: bool = False
    refused: SendOutcome | None = None


@dataclass(frozen=True, slots=True)
class Means:
    """What a channel's deliveries work with."""

    channel: Channel
    sender: Sender
    database: Database
    redis: Redis
    burst_delay: timedelta


class Delivery:
    """One message of the ledger. `run` brings it as far as it can be brought now."""

    def __init__(self, means: Means, ledger: Ledger, due: Due, record: Record) -> None:
        self._means = means
        self._ledger = ledger
        self._due = due
        self._record = record
        # The same for every attempt: whoever gets a message twice can see that it is one.
        self._id = means.sender.message_id(
            f"{due.handoff_id}.{due.event_number}.{due.destination_id}"
        )
        self._leaving = asyncio.Event()
        self._leads = False

    async def run(self) -> Fate:
        """Waits for its turn or makes one attempt. Once the message is leaving, its end is awaited
        even by a caller that is cancelled."""
        if self._due.lost >= self._means.sender.patience.copies:
            # As many left with one that spoke for it.
            return await self.end(SendOutcome(DeliveryState.FAILED, None, Cause.GAVE_UP))
        turn = await self._turn()
        if turn.wait is not None:
            return Fate(pause=turn.wait)
        return await self._finish_once_leaving(self._attempt(turn.led))

    async def _turn(self) -> Turn:
        """In a burst, a destination's calls wait for each other; urgent ones never do.

        A policy may hold a call back from somebody who has it on their screen. One that has been
        tried waits for its own time, not for company.
        """
        due, means = self._due, self._means
        held = max(self._held_back(), self._resting(), self._gathering())
        if held > AT_ONCE:
            return Turn(wait=held)
        alone = not due.is_call or self._record.priority is Priority.URGENT
        bursts = due.in_a_burst or due.was_led or due.has_begun
        if alone or not means.channel.bundles or not bursts:
            return Turn()
        async with means.database.account(due.account_id) as tenant:
            return await take_turn(tenant, due, delay=means.burst_delay)

    def _held_back(self) -> timedelta:
        """How much longer a call is held back. A page has a moment to say that it has shown it."""
        longest = held_back(self._record, self._due.channel)
        if not self._due.is_call or not longest:
            return AT_ONCE
        if not self._due.seen:
            longest = min(longest, SHOWN_WITHIN)
        return self._due.queued_at + longest - self._due.now

    def _gathering(self) -> timedelta:
        """How much longer a note waits for company: who has just had one gets the next ones
        together, and the last of them says all."""
        due = self._due
        if due.event_type is not EventType.NOTED or due.has_begun or not due.in_a_burst:
            return AT_ONCE
        return due.queued_at + self._means.burst_delay - due.now

    def _resting(self) -> timedelta:
        """How much longer one that was tried rests: its batch may be woken for another one."""
        if self._due.state not in RETRIED:
            return AT_ONCE
        lost = self._due.state is DeliveryState.AMBIGUOUS
        pause = self._means.sender.patience.pause(self._due.tried, lost=lost)
        pause = max(pause, timedelta(seconds=self._due.asked_to_wait or 0))
        return self._due.changed_at + pause - self._due.now

    async def _attempt(self, led: tuple[Led, ...]) -> Fate:
        self._leads = bool(led)

        async def may_leave() -> Occasion | None:
            """The last look: the record is asked again right before the message leaves."""
            occasion = await self._ledger.may_leave(self._due, self._id, led=led)
            if occasion is None:
                return None
            self._leaving.set()
            return _as_much_as_may_leave(occasion)

        due = self._due
        message = Message(self._id, due.account_id, due.destination_id, due.name, due.address)
        try:
            outcome = await self._means.sender.send(message, may_leave=may_leave)
        except NotNow as later:
            return await self._not_now(later.pause)
        if outcome is None:
            # The engine has to see whom nothing reaches any more: another level may be due. For
            # whoever has moved it is owed still, and its next look has it delivered there.
            return Fate(unreached=True)
        if outcome.state is DeliveryState.FAILED and outcome.cause in REFUSALS:
            return Fate(refused=outcome)
        return await self.end(outcome)

    async def _not_now(self, pause: timedelta) -> Fate:
        """It was not tried: it stands in the ledger as if it had not been looked at."""
        if self._leaving.is_set():
            async with self._means.database.account(self._due.account_id) as tenant:
                await put_back(tenant, self._due)
        return Fate(pause=pause)

    async def end(self, outcome: SendOutcome) -> Fate:
        """Writes down what its attempt came to."""
        due, patience = self._due, self._means.sender.patience
        attempt = LedgerAttempt(
            outcome.state, outcome.cause.value, outcome.code, due.now, outcome.after
        )
        led = attempt if self._leads else None
        again = outcome.state in RETRIED
        lost = outcome.state is DeliveryState.AMBIGUOUS
        enough = lost and due.lost + 1 >= patience.copies
        if again and (enough or due.now - due.queued_at > patience.longest):
            attempt = replace(attempt, state=DeliveryState.FAILED, cause=Cause.GAVE_UP.value)
            again = False
        failure = await self._ledger.settle(due, attempt, led=led)
        logger.info(
            f"{self._means.channel.message}.{attempt.state.value}",
            handoff_id=str(due.handoff_id),
            destination_id=str(due.destination_id),
            cause=attempt.cause,
            code=attempt.code,
        )
        if failure is not None:
            await live.ring(self._means.redis, due.account_id, [failure])
        pause = None
        if again:
            pause = max(patience.pause(due.tried + 1, lost=lost), outcome.after or AT_ONCE)
        return Fate(pause, unreached=attempt.state is DeliveryState.FAILED)

    async def _finish_once_leaving(self, attempt: Coroutine[Any, Any, Fate]) -> Fate:
        """A cancelled attempt ends at once, unless its message is leaving: then its fate is
        awaited, but no database that is away."""
        task = asyncio.ensure_future(attempt)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not self._leaving.is_set():
                task.cancel()
            self._ledger.hurry()
            await asyncio.wait([task])
            raise


def _as_much_as_may_leave(occasion: Occasion) -> Occasion:
    """What the account lets out by this channel, whatever the channel would say of it."""
    due = occasion.due
    content = of_channel(due.content, due.channel)
    first = due.first_data
    return Occasion(
        replace(
            due,
            data=event_within(due.data, content),
            first_data=None if first is None else event_within(first, content),
        ),
        record_within(occasion.record, content),
        tuple(record_within(one, content) for one in occasion.companions),
        said=occasion.said if content is Content.FULL else (),
        files=occasion.files if content is Content.FULL else (),
        content=content,
    )
