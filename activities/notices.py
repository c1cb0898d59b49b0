"""What whoever leads an account has to hear of, by mail: an endpoint that was disabled."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

from temporalio import activity

from activities.delayed import delayed
from activities.sender import Message, Notice, NotNow, Sender
from handoff.contract.webhooks import LEADING, TELL, TOLD, AdminNotice, Disabled, Following
from handoff.contract.words import RETRIED, DeliveryState
from handoff.database import following, people
from handoff.database.gate import Database
from handoff.rules.channels import EMAIL
from handoff.rules.roles import LEADING_ROLES

AGAIN = "to be tried again"


class _To(NamedTuple):
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class NoticeActivities:
    """One mail each, tried again for as long as the workflow has patience."""

    database: Database
    senders: Mapping[str, Sender]

    @activity.defn(name=LEADING)
    async def leading(self, ref: Following) -> list[UUID]:
        """Whoever leads the account at this moment."""
        async with self.database.account(ref.account_id) as tenant:
            return await people.leading_ids(tenant)

    @activity.defn(name=TOLD)
    async def told(self, of: Disabled) -> None:
        """Every one of them was mailed, or cannot be."""
        async with self.database.account(of.account_id) as tenant:
            await following.told(tenant, of.webhook_id, disabled_at=of.at)

    @activity.defn(name=TELL)
    async def tell(self, notice: AdminNotice) -> None:
        """Mails one of them, if they still lead and it is still disabled when it leaves.

        As for every mail, what may have been taken is sent again after a longer pause, and not
        more often than a few times.
        """
        look = await self._look(notice)
        if look is None:
            return
        to, said = look

        async def may_leave() -> Notice | None:
            return said if await self._look(notice) == look else None

        sender = self.senders[EMAIL.name]
        name = sender.message_id(notice.id)
        message = Message(name, notice.account_id, notice.user_id, to.name, to.address)
        try:
            outcome = await sender.send(message, may_leave=may_leave)
        except NotNow as later:
            raise delayed(AGAIN, after=later.pause) from None
        if outcome is None:
            raise delayed(AGAIN)
        if outcome.state is DeliveryState.AMBIGUOUS:
            lost = 1 + sum(activity.info().heartbeat_details)
            if lost < sender.patience.copies:
                # The next attempt is told of it.
                activity.heartbeat(lost)
                raise delayed(AGAIN, after=sender.patience.pause(lost, lost=True))
        elif outcome.state in RETRIED:
            raise delayed(AGAIN)

    async def _look(self, notice: AdminNotice) -> tuple[_To, Notice] | None:
        """Whom it reaches, and what it says; None where it is not called for any more."""
        async with self.database.account(notice.account_id) as tenant:
            user = await people.find_living(tenant, notice.user_id)
            standing = await following.standing(tenant, notice.webhook_id)
        if user is None or user.role not in LEADING_ROLES:
            return None
        if standing is None or standing.disabled_at is None:
            return None
        host = urlsplit(standing.url).hostname or ""
        return _To(user.name, user.email), _disabled(host)


def _disabled(host: str) -> Notice:
    return Notice(
        title="A webhook was disabled",
        says=f"The webhook to {host} took nothing for a long time, or wants nothing any more, "
        "and was disabled",
        next="Nothing is lost. Once its receiver works again, enable it on the page: it goes on "
        "where it stood.",
        page="/settings/webhooks",
    )
