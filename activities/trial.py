"""A test notification's messages, channel by channel, by the senders and the doorbell of real ones.

Tried once: whoever asked wants to know how it went, not to be told in an hour.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from temporalio import activity

from activities.sender import Message, NotNow, SelfTest, Sender, SendOutcome
from handoff.contract.messages import Envelope, TrialStep, Tried
from handoff.contract.words import DeliveryState, Priority, SkipReason
from handoff.database.directory import me
from handoff.database.directory.me import Profile
from handoff.database.gate import Database
from handoff.errors import Unauthenticated
from handoff.rules.attention import wants
from handoff.rules.causes import Cause
from handoff.rules.channels import CHANNELS

logger = structlog.get_logger(__name__)

Ring = Callable[[UUID, list[Envelope], timedelta], Awaitable[bool]]

RING_TEST_WITHIN = timedelta(seconds=2)

NO_NUMBER = "0"
"""A test is no event of the account: readers who fold repeats by number pass it over."""


@dataclass(frozen=True, slots=True)
class TrialActivities:
    """Sends one message, or rings once, for the user who asked."""

    database: Database
    senders: Mapping[str, Sender]
    ring: Ring

    @activity.defn
    async def try_sending(self, step: TrialStep) -> Tried:
        """One attempt at one message, and what became of it."""
        user = await self._reader(step)
        if isinstance(user, Tried):
            return user

        async def may_leave() -> SelfTest | None:
            return None if isinstance(await self._reader(step), Tried) else SelfTest()

        sender = self.senders[step.channel]
        message_id = sender.message_id(f"test.{step.trial.id}")
        message = Message(message_id, step.trial.account_id, user.id, user.name, user.email)
        try:
            tried = _tried(await sender.send(message, may_leave=may_leave))
        except NotNow:
            tried = Tried(DeliveryState.FAILED, cause=Cause.SERVER_BUSY.value, temporary=True)
        logger.info(
            f"test_{CHANNELS[step.channel].message}.tried",
            user_id=str(user.id),
            state=tried.state,
            cause=tried.cause,
        )
        return tried

    @activity.defn
    async def try_ringing(self, step: TrialStep) -> Tried:
        """One ring at the account's door, for this user's screens."""
        user = await self._reader(step)
        if isinstance(user, Tried):
            return user
        if await self.ring(step.trial.account_id, [_envelope(step, user)], RING_TEST_WITHIN):
            return Tried(DeliveryState.PUBLISHED)
        return Tried(DeliveryState.FAILED, cause="redis_unreachable", temporary=True)

    async def _reader(self, step: TrialStep) -> Profile | Tried:
        """The user as they are now, or why nothing may reach them by this channel."""
        trial = step.trial
        try:
            async with self.database.account(trial.account_id) as tenant:
                user = await me.profile(tenant, trial.user_id)
                choices = await me.choices(tenant, trial.user_id)
        except Unauthenticated:
            return Tried(DeliveryState.SKIPPED, cause=SkipReason.NO_LONGER_ELIGIBLE)
        # As loud as can be: only a channel that is switched off keeps it away.
        if not wants(choices, step.channel, Priority.URGENT, datetime.now(UTC)):
            return Tried(DeliveryState.SKIPPED, cause=SkipReason.OPTED_OUT)
        return user


def _tried(outcome: SendOutcome | None) -> Tried:
    """Nothing tries again, so what would be `retrying` for a real message has failed here."""
    if outcome is None:
        return Tried(DeliveryState.SKIPPED, cause=SkipReason.NO_LONGER_ELIGIBLE)
    temporary = outcome.state is DeliveryState.RETRYING
    state = DeliveryState.FAILED if temporary else outcome.state
    return Tried(state, outcome.code, outcome.cause.value, temporary)


def _envelope(step: TrialStep, user: Profile) -> Envelope:
    return Envelope(
        id=NO_NUMBER,
        source=f"/accounts/{step.trial.account_id}",
        type="handoff.test",
        subject=str(step.trial.id),
        time=datetime.now(UTC),
        data={"recipient": {"id": user.id, "name": user.name}},
    )
