"""A test notification's two messages: the same mailer and the same doorbell as a real one's.

Tried once: whoever asked wants to know how it went, not to be told in an hour.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from temporalio import activity

from activities.email.letters import Letter, LetterKind, compose, message_id, sender_address
from activities.email.mailer import Mailer
from activities.email.smtp_outcome import SmtpOutcome
from handoff.contract.messages import Envelope, Trial, Tried
from handoff.contract.words import Channel, DeliveryState, Priority, SkipReason
from handoff.database.directory import me
from handoff.database.directory.me import Profile
from handoff.database.gate import Database
from handoff.errors import Unauthenticated
from handoff.rules.attention import wants
from handoff.settings import Settings

logger = structlog.get_logger(__name__)

Ring = Callable[[UUID, list[Envelope], timedelta], Awaitable[bool]]

RING_TEST_WITHIN = timedelta(seconds=2)

NO_NUMBER = "0"
"""A test is no event of the account: readers who fold repeats by number pass it over."""


@dataclass(frozen=True, slots=True)
class TrialActivities:
    """Sends one mail and rings once, for the user who asked."""

    database: Database
    mailer: Mailer
    settings: Settings
    ring: Ring

    @activity.defn
    async def send_test_mail(self, trial: Trial) -> Tried:
        """One attempt at one mail, and what became of it."""
        user = await self._reader(trial, Channel.EMAIL)
        if isinstance(user, Tried):
            return user

        async def last_look() -> bool:
            return not isinstance(await self._reader(trial, Channel.EMAIL), Tried)

        outcome = await self.mailer.send(
            compose(self._letter(trial, user)),
            to=user.email,
            envelope_from=sender_address(self.settings.smtp_from),
            before_data=last_look,
        )
        tried = _tried(outcome)
        logger.info("test_mail.tried", user_id=str(user.id), state=tried.state, cause=tried.cause)
        return tried

    @activity.defn
    async def ring_test_push(self, trial: Trial) -> Tried:
        """One ring on the account's channel, for this user's screens."""
        user = await self._reader(trial, Channel.PUSH)
        if isinstance(user, Tried):
            return user
        if await self.ring(trial.account_id, [_envelope(trial, user)], RING_TEST_WITHIN):
            return Tried(DeliveryState.PUBLISHED)
        return Tried(DeliveryState.FAILED, cause="redis_unreachable", temporary=True)

    async def _reader(self, trial: Trial, channel: Channel) -> Profile | Tried:
        """The user as they are now, or why nothing may reach them by this channel."""
        try:
            async with self.database.account(trial.account_id) as tenant:
                user = await me.profile(tenant, trial.user_id)
                choices = await me.choices(tenant, trial.user_id)
        except Unauthenticated:
            return Tried(DeliveryState.SKIPPED, cause=SkipReason.NO_LONGER_ELIGIBLE)
        # As loud as can be: only a channel that is switched off keeps it away.
        if not wants(choices, channel, Priority.URGENT, datetime.now(UTC)):
            return Tried(DeliveryState.SKIPPED, cause=SkipReason.OPTED_OUT)
        return user

    def _letter(self, trial: Trial, user: Profile) -> Letter:
        return Letter(
            kind=LetterKind.TEST,
            sender=self.settings.smtp_from,
            to_name=user.name,
            to_address=user.email,
            message_id=message_id(f"test.{trial.id}", self.settings.public_url),
            date=datetime.now(UTC),
            link=self.settings.public_url,
            why="You get this because you asked for a test notification.",
        )


def _tried(outcome: SmtpOutcome | None) -> Tried:
    """Nothing tries again, so what would be `retrying` for a real mail has failed here."""
    if outcome is None:
        return Tried(DeliveryState.SKIPPED, cause=SkipReason.NO_LONGER_ELIGIBLE)
    temporary = outcome.state is DeliveryState.RETRYING
    state = DeliveryState.FAILED if temporary else outcome.state
    return Tried(state, outcome.code, outcome.cause.value, temporary)


def _envelope(trial: Trial, user: Profile) -> Envelope:
    return Envelope(
        id=NO_NUMBER,
        source=f"/accounts/{trial.account_id}",
        type="handoff.test",
        subject=str(trial.id),
        time=datetime.now(UTC),
        data={"recipient": {"id": user.id, "name": user.name}},
    )
