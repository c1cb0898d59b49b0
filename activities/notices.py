"""What whoever leads an account has to hear of, by mail: an endpoint that was disabled."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.sender import Message, Notice, Sender
from handoff.contract.webhooks import LEADING, TELL, TOLD, AdminNotice, Disabled, Following
from handoff.contract.words import RETRIED
from handoff.database import following, people
from handoff.database.gate import Database
from handoff.rules.channels import EMAIL
from handoff.rules.roles import LEADING_ROLES


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
        """Mails one of them, if they still lead and it is still disabled."""
        async with self.database.account(notice.account_id) as tenant:
            user = await people.find_living(tenant, notice.user_id)
            standing = await following.standing(tenant, notice.webhook_id)
        if user is None or user.role not in LEADING_ROLES:
            return
        if standing is None or standing.disabled_at is None:
            return
        said = _disabled(urlsplit(standing.url).hostname or "")

        async def may_leave() -> Notice:
            return said

        sender = self.senders[EMAIL.name]
        message_id = sender.message_id(notice.id)
        message = Message(message_id, notice.account_id, user.id, user.name, user.email)
        outcome = await sender.send(message, may_leave=may_leave)
        if outcome is not None and outcome.state in RETRIED:
            raise ApplicationError(
                "to be tried again", type="Delayed", category=ApplicationErrorCategory.BENIGN
            )


def _disabled(host: str) -> Notice:
    return Notice(
        title="A webhook was disabled",
        says=f"The webhook to {host} took nothing for a long time, or wants nothing any more, "
        "and was disabled",
        next="Nothing is lost. Once its receiver works again, enable it on the page: it goes on "
        "where it stood.",
        page="/settings/webhooks",
    )
