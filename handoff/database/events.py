"""The append-only history: numbers without gaps, in commit order, per account."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from handoff.contract.messages import Envelope
from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType
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
) -> Envelope:
    """Writes one event and gives it the account's next number.

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
        _append(),
        account_id=tenant.account_id,
        handoff_id=record.id,
        type=event,
        at=at,
        actor_id=actor.id if actor else None,
        data=stored,
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
def _append() -> ReturningInsert[tuple[int]]:
    taken = (
        update(AccountRow)
        .where(AccountRow.id == ANY.account_id)
        .values(last_event_number=AccountRow.last_event_number + 1)
        .returning(AccountRow.last_event_number)
        .cte("taken")
    )
    number = select(taken.c.last_event_number).scalar_subquery()
    return insert(EventRow).values(number=number).returning(EventRow.number)


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


async def mark_published(tenant: Tenant, numbers: list[int]) -> None:
    """Redis took these."""
    await tenant.connection.execute(
        update(EventRow)
        .where(EventRow.account_id == tenant.account_id, EventRow.number.in_(numbers))
        .values(published_at=func.clock_timestamp())
    )


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
