"""Who is told of a change: the messages that a transition plans, in its own transaction."""

from collections.abc import Iterable
from datetime import datetime
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    Boolean,
    CompoundSelect,
    Select,
    Uuid,
    and_,
    bindparam,
    cast,
    false,
    not_,
    null,
    or_,
    union_all,
)

from handoff.contract.people import Actor, Endpoint, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType, Role
from handoff.database import endpoints, people
from handoff.database.deliveries import Planned, told_one_by_one
from handoff.database.gate import ANY, Tenant
from handoff.database.records import is_private
from handoff.database.tables import EndpointRow, EventRow, UserRow
from handoff.rules.attention import choices_from_json, wants_to_hear
from handoff.rules.change import Change, Tells
from handoff.rules.channels import CHANNELS, Channel, chosen_by_people, following
from handoff.rules.policy import calls_by
from handoff.rules.roster import nearest


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
    if change.tells is Tells.ROUND:
        return await _round(tenant, record, change, now)
    return await _reports(tenant, record, change, now, held_by=held_by, but=actor)


async def _round(tenant: Tenant, record: Record, change: Change, now: datetime) -> list[Planned]:
    level = record.policy.levels[record.level]
    channels = calls_by(record.policy, record.level, first=record.round == 1)
    by_place = [channel.name for channel in channels if not channel.reaches_people]
    whom = people.targeted(tenant, level, but=record.escalator.id)
    places = endpoints.called(tenant, by_place, record.team_id)
    called = await _ask(tenant, _both(whom, places))
    told = [
        _planned(user, channel, record, change, now)
        for user in called.users
        for channel in channels
        if channel.reaches_people
    ]
    return told + _at(nearest(called.places, record.team_id))


class _Called(NamedTuple):
    """Users as id and choices, and places of the account."""

    users: list[Any]
    places: list[Endpoint]


def _both(users: Select[Any], places: Select[Any]) -> CompoundSelect[Any]:
    """One question, for somebody waits for the answer of every command."""
    no_place = (cast(null(), column.type).label(column.key) for column in endpoints.SHOWN[1:])
    no_choices = cast(null(), UserRow.notifications.type)
    return union_all(
        users.add_columns(*no_place),
        places.with_only_columns(EndpointRow.id, no_choices, *endpoints.SHOWN[1:]),
    )


async def _ask(tenant: Tenant, both: CompoundSelect[Any], **values: Any) -> _Called:
    found = sorted((await tenant.run(both, **values)).all(), key=attrgetter("id"))
    return _Called(
        [row for row in found if row.channel is None],
        [Endpoint(row.id, row.name, row.channel, row.team_id) for row in found if row.channel],
    )


def _at(places: Iterable[Endpoint]) -> list[Planned]:
    return [Planned(CHANNELS[place.channel], endpoint_id=place.id) for place in places]


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
    """A short message each. What is parked is nobody's in a channel that others read."""
    private = is_private(record)
    followed = tuple(
        channel.name
        for channel in (following(change.event) if change.event else ())
        if channel.to_programs or not private
    )
    if change.tells is Tells.NOBODY and not followed:
        return []
    named = change.named or record.transfer_to
    told = await _ask(
        tenant,
        _whom(change.tells, followed),
        handoff=record.id,
        escalator=record.escalator.id,
        holder=held_by.id if held_by else None,
        named=named.id if named else None,
        but=but.id if but else None,
        # What is noted while it is parked is its parker's own.
        is_private=private,
    )
    asks = change.event is EventType.CALLED
    channels = [channel for channel in chosen_by_people() if channel.reports or asks]
    return [
        _planned(user, channel, record, change, now) for user in told.users for channel in channels
    ] + _at(told.places)


@cache
def _whom(tells: Tells, followed: tuple[str, ...]) -> CompoundSelect[Any]:
    escalator, holder = (UserRow.id == bindparam(name) for name in ("escalator", "holder"))
    handoff = bindparam("handoff", type_=Uuid())
    wrote = ANY.select(EventRow, EventRow.actor_id).where(
        EventRow.handoff_id == handoff, EventRow.type == EventType.NOTED
    )
    is_open = not_(bindparam("is_private", type_=Boolean()))
    others = UserRow.id.is_distinct_from(bindparam("but"))
    whom = {
        Tells.NOBODY: false(),
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
    users = query.where(whom, *people.PEOPLE, may_hear)
    return _both(users, endpoints.told(ANY, followed, handoff))
