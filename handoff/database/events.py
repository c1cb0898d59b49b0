"""The append-only history: numbers without gaps, in commit order, per account."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, func, insert, select, update

from handoff.contract.messages import Envelope
from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType
from handoff.database import deliveries
from handoff.database.deliveries import Planned
from handoff.database.gate import ANY, Tenant
from handoff.database.records import IS_PRIVATE, view
from handoff.database.tables import AccountRow, EventRow, HandoffRow
from handoff.wire import jsonable

_JOINED = ("engineer_notes", "context")
"""Never stored twice: history reads them from the handoff itself."""


async def append(
    tenant: Tenant,
    record: Record,
    event: EventType,
    *,
    at: datetime,
    actor: Actor | None = None,
    details: dict[str, Any] | None = None,
    messages: Sequence[Planned] = (),
) -> Envelope:
    """Writes one event with the messages that tell of it, and gives it the account's next number.

    The counter stands on the account's row and is taken in this transaction: whoever comes second
    waits for the first to commit, so numbers have no gaps and follow the order of commits.
    """
    data = {
        **jsonable(view(record)),
        "actor": _doer(actor) if actor else None,
        "details": jsonable(details or {}),
    }
    stored = {name: value for name, value in data.items() if name not in _JOINED}
    written = await tenant.run(
        _append(tells=bool(messages)),
        handoff=record.id,
        type=event,
        at=at,
        actor=actor.id if actor else None,
        data=stored,
        **(deliveries.as_rows(record, messages) if messages else {}),
    )
    number: int = written.scalar_one()
    return _envelope(tenant.account_id, number, event, record.id, at, data)


def _doer(actor: Actor) -> dict[str, Any]:
    """Who did it, and by which token, where a program did it in their name."""
    doer: dict[str, Any] = jsonable(Person(actor.id, actor.name))
    if actor.token_id is None:
        return doer
    return doer | {"token": {"id": str(actor.token_id), "name": actor.token_name}}


@cache
def _append(*, tells: bool) -> Select[tuple[int]]:
    """One statement: the number, the event, and the ledger's rows."""
    taken = (
        update(AccountRow)
        .where(AccountRow.id == ANY.account_id)
        .values(last_event_number=AccountRow.last_event_number + 1)
        .returning(AccountRow.last_event_number)
        .cte("taken")
    )
    event = (
        insert(EventRow)
        .values(
            account_id=ANY.account_id,
            number=select(taken.c.last_event_number).scalar_subquery(),
            handoff_id=bindparam("handoff"),
            type=bindparam("type"),
            at=bindparam("at"),
            actor_id=bindparam("actor"),
            data=bindparam("data"),
        )
        .returning(EventRow.account_id, EventRow.number, EventRow.handoff_id, EventRow.type)
        .cte("event")
    )
    written = ANY.select(event.c, event.c.number)
    return written.add_cte(deliveries.planned(event).cte("planned")) if tells else written


def _envelope(
    account_id: UUID,
    number: int,
    event: EventType,
    handoff_id: UUID,
    at: datetime,
    data: dict[str, Any],
) -> Envelope:
    return Envelope(
        id=str(number),
        source=f"/accounts/{account_id}",
        type=f"handoff.{event.value}",
        subject=str(handoff_id),
        time=at,
        data=data,
    )


def _history(tenant: Tenant) -> Select[Any]:
    return (
        tenant.select(
            EventRow,
            EventRow.number,
            EventRow.handoff_id,
            EventRow.type,
            EventRow.at,
            EventRow.data,
            HandoffRow.engineer_notes,
            HandoffRow.context,
            IS_PRIVATE.label("is_private"),
        )
        .join(HandoffRow, HandoffRow.id == EventRow.handoff_id)
        .order_by(EventRow.number)
    )


def _to_envelope(account_id: UUID, row: Row[Any]) -> Envelope:
    shown = {name: None if row.is_private else getattr(row, name) for name in _JOINED}
    return _envelope(
        account_id, row.number, row.type, row.handoff_id, row.at, {**row.data, **shown}
    )


async def after(tenant: Tenant, number: int, *, limit: int) -> list[Envelope]:
    """The account's events that follow `number`, oldest first."""
    query = _history(tenant).where(EventRow.number > number).limit(limit)
    rows = (await tenant.connection.execute(query)).all()
    return [_to_envelope(tenant.account_id, row) for row in rows]


async def of_handoff(tenant: Tenant, handoff_id: UUID) -> list[Envelope]:
    """A handoff's own history, oldest first."""
    query = _history(tenant).where(EventRow.handoff_id == handoff_id)
    rows = (await tenant.connection.execute(query)).all()
    return [_to_envelope(tenant.account_id, row) for row in rows]


async def unpublished(tenant: Tenant, handoff_id: UUID) -> list[Envelope]:
    """What the push activity has not yet seen taken by Redis, oldest first."""
    query = _history(tenant).where(
        EventRow.handoff_id == handoff_id, EventRow.published_at.is_(None)
    )
    rows = (await tenant.connection.execute(query)).all()
    return [_to_envelope(tenant.account_id, row) for row in rows]


async def bounds(tenant: Tenant) -> tuple[int, int]:
    """The first and the last event number that the account still has; (1, 0) when none."""
    last = (
        await tenant.connection.execute(
            tenant.select(EventRow, func.min(EventRow.number)).add_columns(
                func.max(EventRow.number)
            )
        )
    ).one()
    return last[0] or 1, last[1] or 0
