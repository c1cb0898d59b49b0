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
    literal,
    not_,
    null,
    or_,
    union_all,
)

from handoff.contract.people import Actor, Endpoint, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Role
from handoff.database import endpoints, people
from handoff.database.deliveries import Planned, told_one_by_one
from handoff.database.gate import ANY, Tenant
from handoff.database.records import is_private
from handoff.database.tables import EndpointRow, EventRow, UserRow
from handoff.rules.attention import choices_from_json, wants_to_hear
from handoff.rules.change import Change, Tells
from handoff.rules.channels import CHANNELS, Channel, chosen_by_people, following, known
from handoff.rules.policy import told_besides
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
    channels = known(level.channels)
    besides = told_besides(record.policy) if record.round == 1 else []
    by_place = [row.name for row in (*channels, *besides) if not row.reaches_people]
    found = await _ask(
        tenant,
        _all_of(
            people.targeted(ANY, level, but=record.escalator.id),
            called=endpoints.called(ANY, by_place, record.team_id),
            told=endpoints.told(ANY, _names(following(EventType.RE_ESCALATED)), _HANDOFF),
        ),
        handoff=record.id,
    )
    told = [
        _planned(user, channel, record, change, now)
        for user in found.users
        for channel in channels
        if channel.reaches_people
    ]
    named = {channel.name for channel in channels}
    called = {place.id: place for place in nearest(found.called, record.team_id)}
    # What stands somewhere shows the new round, too.
    places = called | {place.id: place for place in found.told if place.id not in called}
    return told + [
        Planned(
            CHANNELS[place.channel],
            endpoint_id=place.id,
            besides=place.id not in called or place.channel not in named,
        )
        for place in places.values()
    ]


class _Found(NamedTuple):
    """Users as id and choices; places that may be called, and those that were told before."""

    users: list[Any]
    called: list[Endpoint]
    told: list[Endpoint]


_HANDOFF = bindparam("handoff", type_=Uuid())


def _names(channels: Iterable[Channel]) -> tuple[str, ...]:
    return tuple(channel.name for channel in channels)


def _all_of(users: Select[Any], **places: Select[Any]) -> CompoundSelect[Any]:
    """One question, for somebody waits for the answer of every command. `why` says of which."""
    no_place = (cast(null(), column.type).label(column.key) for column in endpoints.SHOWN[1:])
    no_choices = cast(null(), UserRow.notifications.type)
    return union_all(
        users.add_columns(*no_place, literal("user").label("why")),
        *(
            query.with_only_columns(
                EndpointRow.id, no_choices, *endpoints.SHOWN[1:], literal(why).label("why")
            )
            for why, query in places.items()
        ),
    )


async def _ask(tenant: Tenant, question: CompoundSelect[Any], **values: Any) -> _Found:
    rows: dict[str, list[Any]] = {"user": [], "called": [], "told": []}
    for row in sorted((await tenant.run(question, **values)).all(), key=attrgetter("id")):
        rows[row.why].append(row)
    return _Found(rows["user"], _places(rows["called"]), _places(rows["told"]))


def _places(rows: Iterable[Any]) -> list[Endpoint]:
    return [Endpoint(row.id, row.name, row.channel, row.team_id) for row in rows]


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
    follow = following(change.event) if change.event else []
    followed = _names(channel for channel in follow if channel.to_programs or not private)
    moves_to = _chats(record) if _is_called_elsewhere(record, change) else ()
    if change.tells is Tells.NOBODY and not (followed or moves_to):
        return []
    named = change.named or record.transfer_to
    told = await _ask(
        tenant,
        _whom(change.tells, followed, moves_to),
        handoff=record.id,
        team=record.team_id,
        escalator=record.escalator.id,
        holder=held_by.id if held_by else None,
        named=named.id if named else None,
        but=but.id if but else None,
        # What is noted while it is parked is its parker's own.
        is_private=private,
    )
    asks = change.event is EventType.CALLED
    channels = [channel for channel in chosen_by_people() if channel.reports or asks]
    places = {place.id: place for place in (*told.told, *nearest(told.called, record.team_id))}
    return [
        _planned(user, channel, record, change, now) for user in told.users for channel in channels
    ] + [Planned(CHANNELS[place.channel], endpoint_id=place.id) for place in places.values()]


def _is_called_elsewhere(record: Record, change: Change) -> bool:
    """Whether it waits, and has another team by this change: its place is told of it, too."""
    return "team_id" in change.session and record.status is HandoffStatus.OPEN and record.round > 0


def _chats(record: Record) -> tuple[str, ...]:
    """The channels to places by which it is called for at this level, and beside all levels."""
    rows = (*known(record.policy.levels[record.level].channels), *told_besides(record.policy))
    return _names(row for row in rows if not row.reaches_people)


@cache
def _whom(
    tells: Tells, followed: tuple[str, ...], moves_to: tuple[str, ...]
) -> CompoundSelect[Any]:
    escalator, holder = (UserRow.id == bindparam(name) for name in ("escalator", "holder"))
    wrote = ANY.select(EventRow, EventRow.actor_id).where(
        EventRow.handoff_id == _HANDOFF, EventRow.type == EventType.NOTED
    )
    is_open = not_(bindparam("is_private", type_=Boolean()))
    others = UserRow.id.is_distinct_from(bindparam("but"))
    whom = {
        Tells.NOBODY: false(),
        Tells.TOLD: others & or_(escalator, holder, UserRow.id.in_(told_one_by_one(ANY, _HANDOFF))),
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
    return _all_of(
        users,
        told=endpoints.told(ANY, followed, _HANDOFF),
        called=endpoints.called(ANY, moves_to, bindparam("team", type_=Uuid())),
    )
