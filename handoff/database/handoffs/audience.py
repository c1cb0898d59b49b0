"""Who is told of a change: the messages that a transition plans, in its own transaction."""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Boolean, Select, Uuid, and_, bindparam, not_, or_

from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import FINAL, EventType, Role
from handoff.database import endpoints, people
from handoff.database.deliveries import Planned, told_one_by_one
from handoff.database.gate import ANY, Tenant
from handoff.database.records import is_private
from handoff.database.tables import EventRow, UserRow
from handoff.rules.attention import choices_from_json, wants_to_hear
from handoff.rules.change import Change, Tells
from handoff.rules.channels import CALLBACK, Channel, chosen_by_people, known


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
    programs = await _programs(tenant, record, change)
    match change.tells:
        case Tells.NOBODY:
            return programs
        case Tells.ROUND:
            return await _round(tenant, record, change, now)
        case _:
            told = await _reports(tenant, record, change, now, held_by=held_by, but=actor)
            return told + programs


async def _programs(tenant: Tenant, record: Record, change: Change) -> list[Planned]:
    """Whoever asked to be called back hears of the end, and of nothing before."""
    ends = record.status in FINAL and change.event is not None
    if not ends or not await endpoints.has_callback(tenant, record.id):
        return []
    return [Planned(CALLBACK, endpoint_id=record.id)]


async def _round(tenant: Tenant, record: Record, change: Change, now: datetime) -> list[Planned]:
    level = record.policy.levels[record.level]
    channels = known(level.channels)
    users = await people.targeted(tenant, level, but=record.escalator.id)
    told = [
        _planned(user, channel, record, change, now)
        for user in users
        for channel in channels
        if channel.reaches_people
    ]
    return told + [
        Planned(channel, endpoint_id=place.id)
        for channel in channels
        if not channel.reaches_people
        for place in await endpoints.called(tenant, channel.name, record.team_id)
    ]


def _planned(user: Any, channel: Channel, record: Record, change: Change, now: datetime) -> Planned:
    """A message to somebody, unless a choice of their own keeps it away."""
    wanted = change.event is None or wants_to_hear(
        choices_from_json(user.notifications),
        change.event,
        channel.name,
        record.priority,
        now,
        own=user.id == record.escalator.id,
    )
    return Planned(channel, user.id, opted_out=not wanted)


async def _reports(
    tenant: Tenant,
    record: Record,
    change: Change,
    now: datetime,
    *,
    held_by: Person | None,
    but: Actor | None,
) -> list[Planned]:
    """A short message each."""
    named = change.named or record.transfer_to
    users = await tenant.run(
        _whom(change.tells),
        handoff=record.id,
        escalator=record.escalator.id,
        holder=held_by.id if held_by else None,
        named=named.id if named else None,
        but=but.id if but else None,
        # What is noted while it is parked is its parker's own.
        is_private=is_private(record),
    )
    asks = change.event is EventType.CALLED
    channels = [channel for channel in chosen_by_people() if channel.reports or asks]
    return [
        _planned(user, channel, record, change, now) for user in users.all() for channel in channels
    ]


@cache
def _whom(tells: Tells) -> Select[Any]:
    escalator, holder = (UserRow.id == bindparam(name) for name in ("escalator", "holder"))
    handoff = bindparam("handoff", type_=Uuid())
    wrote = ANY.select(EventRow, EventRow.actor_id).where(
        EventRow.handoff_id == handoff, EventRow.type == EventType.NOTED
    )
    is_open = not_(bindparam("is_private", type_=Boolean()))
    others = UserRow.id.is_distinct_from(bindparam("but"))
    whom = {
        Tells.TOLD: others & or_(escalator, holder, UserRow.id.in_(told_one_by_one(ANY, handoff))),
        Tells.TALKING: others & or_(escalator, is_open & or_(holder, UserRow.id.in_(wrote))),
        Tells.ESCALATOR: escalator,
        Tells.ESCALATOR_AND_OWNERS: or_(escalator, UserRow.role == Role.OWNER),
        Tells.CLAIMER: holder,
        Tells.NAMED: UserRow.id == bindparam("named"),
    }[tells]
    query = ANY.select(UserRow, UserRow.id, UserRow.notifications)
    # Viewers are told of nothing but what they handed off when they were more.
    may_hear = or_(escalator, and_(*people.eligible()))
    return query.where(whom, *people.PEOPLE, may_hear).order_by(UserRow.id)
