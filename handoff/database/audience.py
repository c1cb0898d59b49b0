"""Who is told of a change: the messages that a transition plans, in its own transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from handoff.contract import Channel, Record, Role
from handoff.database import Tenant, people
from handoff.database.deliveries import Planned, told_by_mail
from handoff.database.tables import UserRow
from handoff.rules.attention import choices_from_json, wants
from handoff.rules.change import Change, Tells


async def choose(
    tenant: Tenant, record: Record, change: Change, *, actor_id: UUID | None, now: datetime
) -> list[Planned]:
    """The messages of one change, chosen from the database at this moment."""
    match change.tells:
        case Tells.NOBODY:
            return []
        case Tells.ROUND:
            return await _round(tenant, record, now)
        case Tells.TOLD:
            told = {*await told_by_mail(tenant, record.id), record.escalator.id}
            return await _mails(tenant, record, told - {actor_id}, now, report=True)
        case Tells.ESCALATOR:
            return await _mails(tenant, record, {record.escalator.id}, now)
        case Tells.ESCALATOR_AND_OWNERS:
            owners = await _owners(tenant)
            return await _mails(tenant, record, {*owners, record.escalator.id}, now)
        case Tells.CLAIMER:
            claimer = {record.claimed_by.id} if record.claimed_by else set()
            return await _mails(tenant, record, claimer, now)
        case Tells.NAMED:
            named = {record.transfer_to.id} if record.transfer_to else set()
            return await _mails(tenant, record, named, now)


async def _round(tenant: Tenant, record: Record, now: datetime) -> list[Planned]:
    level = record.policy.levels[record.level]
    users = await people.targeted(tenant, level, but=record.escalator.id)
    return [
        Planned(user.id, channel, opted_out=not _wanted(user, channel, record, now))
        for user in users
        for channel in level.channels
    ]


def _wanted(user: Any, channel: Channel, record: Record, now: datetime) -> bool:
    return wants(choices_from_json(user.notifications), channel, record.priority, now)


async def _mails(
    tenant: Tenant,
    record: Record,
    ids: Iterable[UUID | None],
    now: datetime,
    *,
    report: bool = False,
) -> list[Planned]:
    """One short mail each. A mere report may be opted out of, except by the escalator."""
    query = tenant.select(UserRow, UserRow.id, UserRow.notifications).where(
        UserRow.id.in_([user_id for user_id in ids if user_id is not None]),
        UserRow.is_active.is_(True),
        UserRow.deleted_at.is_(None),
    )
    users: Sequence[Any] = (await tenant.connection.execute(query.order_by(UserRow.id))).all()
    return [
        Planned(user.id, Channel.EMAIL, opted_out=not _wants_report(user, record, now))
        if report and user.id != record.escalator.id
        else Planned(user.id, Channel.EMAIL)
        for user in users
    ]


def _wants_report(user: Any, record: Record, now: datetime) -> bool:
    choices = choices_from_json(user.notifications)
    return choices.follow_ups and wants(choices, Channel.EMAIL, record.priority, now)


async def _owners(tenant: Tenant) -> Sequence[UUID]:
    query = tenant.select(UserRow, UserRow.id).where(
        UserRow.role == Role.OWNER, UserRow.is_active.is_(True), UserRow.deleted_at.is_(None)
    )
    return (await tenant.connection.scalars(query)).all()
