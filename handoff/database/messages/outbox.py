"""The messages of one activity: what is due."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Interval,
    Select,
    Text,
    and_,
    bindparam,
    case,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import array
from sqlalchemy.orm import aliased

from handoff.contract.messages import Batch
from handoff.contract.words import UNSETTLED, DeliveryState, EventType, Role
from handoff.database.deliveries import ROUND_EVENTS, destination_name, lost_answers
from handoff.database.gate import ANY, Tenant
from handoff.database.tables import AccountRow, DeliveryRow, EndpointRow, EventRow, UserRow
from handoff.rules.causes import REFUSALS
from handoff.rules.channels import CALLBACK, PUSH

_First = aliased(DeliveryRow)
_FirstEvent = aliased(EventRow)
_Other = aliased(DeliveryRow)


@dataclass(frozen=True, slots=True)
class Due:
    """One message to be sent: to whom, about which event, and what was tried before.

    `name` and `address` are the person's or the endpoint's; `role` is None for an endpoint.
    """

    account_id: UUID
    handoff_id: UUID
    channel: str
    destination_id: UUID
    recipient_id: UUID | None
    name: str
    address: str
    role: Role | None
    time_zone: str | None
    account_name: str
    content: dict[str, Any] | None
    signed_by: list[str | None]
    callback_hosts: list[str]
    event_type: EventType
    event_number: int
    round: int
    at: datetime
    data: dict[str, Any]
    state: DeliveryState
    tried: int
    lost: int
    asked_to_wait: float | None
    queued_at: datetime
    changed_at: datetime
    first_message_id: str | None
    first_data: dict[str, Any] | None
    in_a_burst: bool
    was_led: bool
    seen: bool
    read_at: datetime
    read: float = field(default_factory=monotonic)

    @property
    def now(self) -> datetime:
        """The time by PostgreSQL's clock, which all of its times are by."""
        return self.read_at + timedelta(seconds=monotonic() - self.read)

    @property
    def is_call(self) -> bool:
        """Whether it calls for help, so that a claim stops it."""
        return self.event_type in ROUND_EVENTS

    @property
    def has_begun(self) -> bool:
        """Whether a copy of it has left, or may have: another one says the same."""
        return self.state is not DeliveryState.QUEUED


async def due(tenant: Tenant, batch: Batch, *, burst: timedelta) -> list[Due]:
    """The messages of the batch that still have something to happen to them.

    Args:
        burst: for so long after a call for help, further ones to the same person are a burst.
    """
    found = await tenant.run(
        _due(),
        handoff=batch.handoff_id,
        event=batch.event_number,
        batch=batch.batch,
        on_channel=batch.channel,
        burst=burst,
    )
    return [Due(**row._mapping) for row in found.all()]


@cache
def _due() -> Select[Any]:
    first = (
        select(_First.message_id, _FirstEvent.data)
        .join(
            _FirstEvent,
            and_(
                _FirstEvent.account_id == _First.account_id,
                _FirstEvent.number == _First.event_number,
            ),
        )
        .where(
            _First.handoff_id == DeliveryRow.handoff_id,
            _First.destination_id == DeliveryRow.destination_id,
            _First.channel == DeliveryRow.channel,
            _First.message_id.is_not(None),
        )
        .order_by(_First.event_number)
        .limit(1)
        .lateral("first")
    )
    return (
        ANY.select(
            DeliveryRow,
            DeliveryRow.account_id,
            DeliveryRow.handoff_id,
            DeliveryRow.channel,
            DeliveryRow.destination_id,
            DeliveryRow.recipient_id,
            destination_name().label("name"),
            func.coalesce(UserRow.email, EndpointRow.address).label("address"),
            UserRow.role,
            UserRow.notifications["quiet_hours"]["time_zone"].astext.label("time_zone"),
            AccountRow.name.label("account_name"),
            AccountRow.content,
            _secrets().label("signed_by"),
            AccountRow.callback_hosts,
            DeliveryRow.event_type,
            DeliveryRow.event_number,
            DeliveryRow.round,
            EventRow.at,
            EventRow.data,
            DeliveryRow.state,
            func.jsonb_array_length(DeliveryRow.attempts).label("tried"),
            lost_answers(DeliveryRow.attempts).label("lost"),
            DeliveryRow.attempts[-1]["after"].as_float().label("asked_to_wait"),
            DeliveryRow.created_at.label("queued_at"),
            DeliveryRow.changed_at,
            first.c.message_id.label("first_message_id"),
            first.c.data.label("first_data"),
            _told_lately().label("in_a_burst"),
            DeliveryRow.led_by.is_not(None).label("was_led"),
            _seen().label("seen"),
            func.clock_timestamp().label("read_at"),
        )
        .outerjoin(
            UserRow,
            and_(
                UserRow.account_id == DeliveryRow.account_id,
                UserRow.id == DeliveryRow.recipient_id,
            ),
        )
        .outerjoin(
            EndpointRow,
            and_(
                EndpointRow.account_id == DeliveryRow.account_id,
                EndpointRow.id == DeliveryRow.endpoint_id,
            ),
        )
        .join(AccountRow, AccountRow.id == DeliveryRow.account_id)
        .join(
            EventRow,
            and_(
                EventRow.account_id == DeliveryRow.account_id,
                EventRow.number == DeliveryRow.event_number,
            ),
        )
        .outerjoin(first, true())
        .where(
            DeliveryRow.handoff_id == bindparam("handoff"),
            DeliveryRow.event_number == bindparam("event"),
            DeliveryRow.batch == bindparam("batch"),
            DeliveryRow.channel == bindparam("on_channel"),
            DeliveryRow.state.in_(UNSETTLED),
        )
        .order_by(DeliveryRow.destination_id)
    )


@dataclass(frozen=True, slots=True)
class OthersOfEvent:
    """How many messages of an event were refused by the other side, and how many it took."""

    refused: int
    reached: int


async def others_of_event(tenant: Tenant, batch: Batch) -> OthersOfEvent:
    """All of one event's messages by one channel, whichever batch they are of."""
    found = await tenant.run(
        _others(),
        handoff=batch.handoff_id,
        event=batch.event_number,
        on_channel=batch.channel,
    )
    return OthersOfEvent(**found.one()._mapping)


@cache
def _others() -> Select[Any]:
    refused = and_(
        DeliveryRow.state == DeliveryState.FAILED,
        DeliveryRow.reason.in_([cause.value for cause in REFUSALS]),
    )
    return ANY.select(
        DeliveryRow,
        func.count().filter(refused).label("refused"),
        func.count().filter(DeliveryRow.state == DeliveryState.SENT).label("reached"),
    ).where(
        DeliveryRow.handoff_id == bindparam("handoff"),
        DeliveryRow.event_number == bindparam("event"),
        DeliveryRow.channel == bindparam("on_channel"),
    )


def _told_lately() -> ColumnElement[bool]:
    """Whether the outer query's destination was called about another handoff lately; of a note,
    whether it was told of one of the same conversation."""
    another = and_(_Other.handoff_id != DeliveryRow.handoff_id, _Other.event_type.in_(ROUND_EVENTS))
    same_talk = and_(
        _Other.handoff_id == DeliveryRow.handoff_id,
        _Other.event_type == EventType.NOTED,
        DeliveryRow.event_type == EventType.NOTED,
    )
    return (
        select(_Other.handoff_id)
        .where(
            _Other.account_id == DeliveryRow.account_id,
            _Other.destination_id == DeliveryRow.destination_id,
            or_(another, same_talk),
            _Other.channel == DeliveryRow.channel,
            _Other.state == DeliveryState.SENT,
            _Other.changed_at > func.now() - bindparam("burst", type_=Interval()),
        )
        .exists()
    )


def _secrets() -> ColumnElement[list[str]]:
    """What the account signs with at this moment, sealed: only what goes to programs is signed."""
    old = AccountRow.callback_old_secret_until > func.clock_timestamp()
    secrets = array([AccountRow.callback_secret, case((old, AccountRow.callback_old_secret))])
    return case((DeliveryRow.channel == CALLBACK.name, secrets), else_=array([], type_=Text()))


def _seen() -> ColumnElement[bool]:
    """Whether a live page has shown the same event to the person of the outer query."""
    return (
        select(_Other.handoff_id)
        .where(
            _Other.account_id == DeliveryRow.account_id,
            _Other.handoff_id == DeliveryRow.handoff_id,
            _Other.event_number == DeliveryRow.event_number,
            _Other.destination_id == DeliveryRow.destination_id,
            _Other.channel == PUSH.name,
            _Other.state == DeliveryState.SEEN,
        )
        .exists()
    )


def row_of(message: Due) -> tuple[ColumnElement[bool], ...]:
    """The ledger's row of one message, within its account."""
    return (
        DeliveryRow.handoff_id == message.handoff_id,
        DeliveryRow.event_number == message.event_number,
        DeliveryRow.destination_id == message.destination_id,
        DeliveryRow.channel == message.channel,
    )
