"""The ledger of messages: one row per event, destination and channel, with every attempt."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    Insert,
    Integer,
    Row,
    ScalarSelect,
    Select,
    Text,
    Update,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    insert,
    or_,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeEngine

from handoff.contract.record import Record
from handoff.contract.words import RETRIED, UNSETTLED, DeliveryState, EventType, SkipReason
from handoff.database.gate import ANY, Gate, Tenant
from handoff.database.tables import DeliveryRow, EndpointRow, EventRow, UserRow
from handoff.rules.channels import CHANNELS, PUSH, Channel

ROUND_EVENTS = (EventType.NOTIFIED, EventType.RE_ESCALATED)
"""Messages of a round call for help."""

CALLS = (*ROUND_EVENTS, EventType.CALLED)
"""So does one that names its reader. A claim stops them; all others only report."""

ASKING = (*CALLS, EventType.EXHAUSTED, EventType.TRANSFERRED)
"""Messages of these ask somebody to act: whoever got one hears how it ends."""

BATCH_SIZE = 50
"""An activity delivers so many of one event and channel: the ledger has each one's own attempts,
and 5,000 recipients stay far below Temporal's limits."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A message to be: to which person or endpoint, how, and whether a person opted out of it.

    `besides`: the round does not count on it, for no level names its channel.
    """

    channel: Channel
    recipient_id: UUID | None = None
    endpoint_id: UUID | None = None
    opted_out: bool = False
    besides: bool = False


def planned(event: CTE) -> Insert:
    """The ledger's rows of an event that is just being written, whatever their number.

    Bound by `as_rows`.
    """
    unnested = func.unnest(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _ROW.items()))
    names = (column(name, kind) for name, kind in _ROW.items())
    rows = unnested.table_valued(*names).render_derived("planned")
    of_event = (event.c.account_id, event.c.handoff_id, event.c.number, event.c.type)
    columns = ("account_id", "handoff_id", "event_number", "event_type", "round", *_ROW)
    return insert(DeliveryRow).from_select(
        list(columns),
        select(*of_event, bindparam("round", type_=Integer()), *rows.c)
        .select_from(event.join(rows, true()))
        .where(event.c.account_id == ANY.account_id),
    )


_ROW: dict[str, TypeEngine[Any]] = {
    "recipient_id": Uuid(),
    "endpoint_id": Uuid(),
    "channel": Text(),
    "state": Text(),
    "reason": Text(),
    "batch": Integer(),
}


def as_rows(record: Record, messages: Sequence[Planned]) -> dict[str, Any]:
    """The messages as `planned` takes them, column by column."""
    return {
        "round": record.round,
        "recipient_id": [message.recipient_id for message in messages],
        "endpoint_id": [message.endpoint_id for message in messages],
        "channel": [message.channel.name for message in messages],
        "state": ["skipped" if message.opted_out else "queued" for message in messages],
        "reason": ["opted_out" if message.opted_out else None for message in messages],
        "batch": _batches(messages),
    }


def _batches(messages: Sequence[Planned]) -> list[int]:
    """Numbers a channel's messages by the activity that sends them; 0 is for what nobody sends."""
    order: defaultdict[Channel, count[int]] = defaultdict(count)
    return [
        next(order[message.channel]) // BATCH_SIZE + 1 if _is_owed(message) else 0
        for message in messages
    ]


def _is_owed(message: Planned) -> bool:
    return message.channel.leaves_one_by_one and not message.opted_out


def skipping(gate: Gate, written: CTE) -> Update:
    """Calls for help that have not left will not leave any more, if the handoff is `written`.

    The bound value `skip_reason` says why.

    One that is `sending` is in somebody else's hands already: its own attempt settles it.
    """
    return (
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == gate.account_id,
            DeliveryRow.handoff_id == written.c.id,
            DeliveryRow.event_type.in_(CALLS),
            one_by_one(),
            DeliveryRow.state.in_([state for state in UNSETTLED if state != DeliveryState.SENDING]),
        )
        .values(
            state=DeliveryState.SKIPPED,
            reason=bindparam("skip_reason"),
            changed_at=func.clock_timestamp(),
        )
    )


def reviving(gate: Gate, written: CTE) -> Update:
    """Calls for help that a claim has skipped, from the bound value `stopped_since` on, leave after
    all, if the handoff is `written`; each goes on from its last attempt."""
    last = DeliveryRow.attempts[-1]["outcome"].astext
    return (
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == gate.account_id,
            DeliveryRow.handoff_id == written.c.id,
            DeliveryRow.event_type.in_(CALLS),
            DeliveryRow.state == DeliveryState.SKIPPED,
            DeliveryRow.reason == SkipReason.CLAIMED,
            DeliveryRow.changed_at >= bindparam("stopped_since"),
        )
        .values(
            state=case((last.in_(RETRIED), last), else_=DeliveryState.QUEUED),
            reason=None,
            changed_at=func.clock_timestamp(),
        )
    )


def one_by_one() -> ColumnElement[bool]:
    """Whether it is a message with attempts of its own: what is rung is owed to nobody."""
    rung = [row.name for row in CHANNELS.values() if not row.leaves_one_by_one]
    return DeliveryRow.channel.not_in(rung)


def told_one_by_one(
    gate: Gate,
    handoff_id: BindParameter[UUID],
    who: InstrumentedAttribute[UUID | None] = DeliveryRow.recipient_id,
) -> Select[Any]:
    """The ids of those people, or endpoints, whom a message of their own has, or may have, asked
    to act."""
    return gate.select(DeliveryRow, who).where(
        DeliveryRow.handoff_id == handoff_id,
        DeliveryRow.event_type.in_(ASKING),
        who.is_not(None),
        one_by_one(),
        or_(
            DeliveryRow.state.in_([DeliveryState.SENT, DeliveryState.SENDING]),
            DeliveryRow.attempts.contains([{"outcome": DeliveryState.AMBIGUOUS.value}]),
        ),
    )


def lost_answers(attempts: Any) -> ColumnElement[int]:
    """How many of a message's attempts have left and were never answered: so many may have come."""
    lost = cast('$[*] ? (@.outcome == "ambiguous")', JSONPATH)
    return func.jsonb_array_length(func.jsonb_path_query_array(attempts, lost))


def unsettled(gate: Gate, handoff_id: BindParameter[UUID]) -> ScalarSelect[Any]:
    """The messages that still have something to happen to them, by the activity that sends them.

    `[[channel, event number, batch, how many], …]` as JSON, or null when there are none.
    """
    by = (DeliveryRow.channel, DeliveryRow.event_number, DeliveryRow.batch)
    batches = (
        gate.select(DeliveryRow, DeliveryRow.account_id, *by, func.count().label("messages"))
        .where(DeliveryRow.handoff_id == handoff_id, one_by_one(), DeliveryRow.state.in_(UNSETTLED))
        .group_by(DeliveryRow.account_id, *by)
        .subquery()
    ).c
    one = func.jsonb_build_array(
        batches.channel, batches.event_number, batches.batch, batches.messages
    )
    return gate.select(batches, func.jsonb_agg(one)).scalar_subquery()


async def mark_taken(tenant: Tenant, handoff_id: UUID, numbers: Sequence[int]) -> None:
    """Redis took these events of a handoff: neither they nor their pushes are owed any more."""
    await tenant.run(_taken(), handoff=handoff_id, numbers=list(numbers))


@cache
def _taken() -> Update:
    taken = any_(bindparam("numbers", type_=ARRAY(BigInteger())))
    events = (
        update(EventRow)
        .where(EventRow.account_id == ANY.account_id, EventRow.number == taken)
        .values(published_at=func.clock_timestamp())
        .cte("rung")
    )
    pushes = (
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == ANY.account_id,
            DeliveryRow.handoff_id == bindparam("handoff"),
            DeliveryRow.event_number == taken,
            ~one_by_one(),
            DeliveryRow.state == DeliveryState.QUEUED,
        )
        .values(state=DeliveryState.PUBLISHED, changed_at=func.now())
    )
    return pushes.add_cte(events)


async def mark_seen(tenant: Tenant, recipient_id: UUID, numbers: Sequence[int]) -> None:
    """A live client of theirs showed them the pushes of these events. Twice is once."""
    # By handoff and destination, because that is how the ledger's key begins.
    named = tenant.select(EventRow, EventRow.handoff_id, EventRow.number).where(
        EventRow.number.in_(numbers)
    )
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == tenant.account_id,
            tuple_(DeliveryRow.handoff_id, DeliveryRow.event_number).in_(named),
            DeliveryRow.destination_id == recipient_id,
            DeliveryRow.channel == PUSH.name,
            DeliveryRow.state.in_([DeliveryState.QUEUED, DeliveryState.PUBLISHED]),
        )
        .values(state=DeliveryState.SEEN, changed_at=func.now())
    )


@dataclass(frozen=True, slots=True)
class LedgerPlace:
    """Where a page of the ledger ended: a message by what the ledger is ordered by."""

    event_number: int
    name: str
    channel: str
    destination_id: UUID


async def ledger(
    tenant: Tenant, handoff_id: UUID, *, limit: int, after: LedgerPlace | None = None
) -> list[Row[Any]]:
    """A page of a handoff's messages with their destinations, in the order of its events."""
    name = destination_name()
    order = (DeliveryRow.event_number, name, DeliveryRow.channel, DeliveryRow.destination_id)
    query = (
        tenant.select(
            DeliveryRow,
            DeliveryRow.event_number,
            DeliveryRow.destination_id,
            DeliveryRow.endpoint_id,
            name.label("name"),
            UserRow.email,
            DeliveryRow.channel,
            DeliveryRow.event_type,
            DeliveryRow.round,
            DeliveryRow.state,
            DeliveryRow.reason,
            DeliveryRow.message_id,
            DeliveryRow.attempts,
        )
        .outerjoin(UserRow, UserRow.id == DeliveryRow.recipient_id)
        .outerjoin(EndpointRow, EndpointRow.id == DeliveryRow.endpoint_id)
        .where(DeliveryRow.handoff_id == handoff_id)
        .order_by(*order)
        .limit(limit)
    )
    if after is not None:
        place = (after.event_number, after.name, after.channel, after.destination_id)
        query = query.where(tuple_(*order) > tuple_(*place))
    return list((await tenant.connection.execute(query)).all())


def destination_name() -> ColumnElement[str]:
    """What people call the destination, where its user and its endpoint are joined."""
    return func.coalesce(UserRow.name, EndpointRow.name)
