"""Who is told of a change: the messages that a transition plans, in its own transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_

from handoff.contract import Actor, Channel, Person, Record, Role
from handoff.database import Tenant, people
from handoff.database.deliveries import Planned, told_by_mail
from handoff.database.tables import UserRow
from handoff.rules.attention import choices_from_json, wants
from handoff.rules.change import Change, Tells


async def choose(
    tenant: Tenant,
    record: Record,
    change: Change,
    *,
    held_by: Person | None,
    actor: Actor | None,
    now: datetime,
) -> list[Planned]:
    """The messages of one change, chosen from the database at this moment.

    Args:
        record: as the change has left it.
        held_by: who had claimed it before; they count as told of it.
    """
    escalator = UserRow.id == record.escalator.id
    holder = _is(held_by)
    match change.tells:
        case Tells.NOBODY:
            return []
        case Tells.ROUND:
            return await _round(tenant, record, now)
        case Tells.TOLD:
            told = or_(escalator, holder, UserRow.id.in_(told_by_mail(tenant, record.id)))
            return await _mails(tenant, record, told, now, but=actor, report=True)
        case Tells.ESCALATOR:
            return await _mails(tenant, record, escalator, now)
        case Tells.ESCALATOR_AND_OWNERS:
            return await _mails(tenant, record, or_(escalator, UserRow.role == Role.OWNER), now)
        case Tells.CLAIMER:
            return await _mails(tenant, record, holder, now)
        case Tells.NAMED:
            return await _mails(tenant, record, _is(record.transfer_to), now)


def _is(person: Person | None) -> ColumnElement[bool]:
    return UserRow.id == (person.id if person else None)


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
    whom: ColumnElement[bool],
    now: datetime,
    *,
    but: Actor | None = None,
    report: bool = False,
) -> list[Planned]:
    """One short mail each. A mere report may be opted out of, except by the escalator."""
    query = tenant.select(UserRow, UserRow.id, UserRow.notifications).where(whom, *people.LIVING)
    if but is not None:
        query = query.where(UserRow.id != but.id)
    users = (await tenant.connection.execute(query.order_by(UserRow.id))).all()
    return [
        Planned(user.id, Channel.EMAIL, opted_out=not _wants_report(user, record, now))
        if report and user.id != record.escalator.id
        else Planned(user.id, Channel.EMAIL)
        for user in users
    ]


def _wants_report(user: Any, record: Record, now: datetime) -> bool:
    choices = choices_from_json(user.notifications)
    return choices.follow_ups and wants(choices, Channel.EMAIL, record.priority, now)
