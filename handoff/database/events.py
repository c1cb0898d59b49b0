"""The append-only history: numbers without gaps, in commit order, per account."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    insert,
    not_,
    select,
    update,
)

from handoff.contract.messages import Envelope
from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType
from handoff.database import deliveries
from handoff.database.deliveries import Planned
from handoff.database.gate import ANY, Gate, Tenant
from handoff.database.records import IS_PRIVATE, is_private, view
from handoff.database.tables import AccountRow, EventRow, HandoffRow
from handoff.wire import jsonable

_JOINED = ("engineer_notes", "context")
"""Never stored twice: history reads them from the handoff itself."""

_SAID = ("text", "files")
"""What a note says, in its event's details, and the files that go with it or with the notes. Of a
handoff that is parked they are its parker's own."""


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
    if is_private(record):
        data["details"] = _unsaid(data["details"])
    return _envelope(tenant.account_id, number, event, record.id, at, data)


def _unsaid(details: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in details.items() if name not in _SAID}


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


def _history(
    gate: Gate, *which: ColumnElement[bool], limit: int | BindParameter[int] | None = None
) -> Select[Any]:
    """Some of the account's events, oldest first.

    What all of a handoff's events have in common comes with the first of them alone: two hundred
    copies of long notes would be megabytes.
    """
    named = (EventRow.number, EventRow.handoff_id, EventRow.type, EventRow.at, EventRow.data)
    chosen = gate.select(EventRow, *named).where(*which).order_by(EventRow.number).limit(limit)
    page = chosen.subquery("page")
    place = func.row_number().over(partition_by=page.c.handoff_id, order_by=page.c.number)
    is_told = and_(place == 1, not_(IS_PRIVATE))
    texts = [case((is_told, getattr(HandoffRow, name))).label(name) for name in _JOINED]
    is_hidden = IS_PRIVATE.label("is_hidden")
    return (
        gate.select(HandoffRow, *page.c, *texts, is_hidden, HandoffRow.escalator_id)
        .join(page, page.c.handoff_id == HandoffRow.id)
        .order_by(page.c.number)
    )


async def _read(
    tenant: Tenant, query: Select[Any], *, repeat_texts: bool, reader_id: UUID | None = None
) -> list[Envelope]:
    rows = (await tenant.connection.execute(query)).all()
    return _envelopes(tenant, rows, repeat_texts=repeat_texts, reader_id=reader_id)


def _envelopes(
    tenant: Tenant, rows: Sequence[Row[Any]], *, repeat_texts: bool, reader_id: UUID | None = None
) -> list[Envelope]:
    """What a handoff's events share is one object, in the first or in all of them.

    `reader_id`: who reads; None stands for anybody of the account.
    """
    shared: dict[UUID, dict[str, Any]] = {}
    found = []
    for row in rows:
        own = {name: getattr(row, name) for name in _JOINED}
        first = shared.setdefault(row.handoff_id, own)
        data = {**row.data, **(first if repeat_texts else own)}
        if row.is_hidden and row.escalator_id != reader_id:
            data["details"] = _unsaid(data["details"])
        found.append(
            _envelope(tenant.account_id, row.number, row.type, row.handoff_id, row.at, data)
        )
    return found


async def after(tenant: Tenant, number: int, *, limit: int) -> list[Envelope]:
    """The account's events that follow `number`, oldest first, each with its handoff's texts."""
    rows = await tenant.run(_after(), number=number, most=limit)
    return _envelopes(tenant, rows.all(), repeat_texts=True)


@cache
def _after() -> Select[Any]:
    return _history(
        ANY, EventRow.number > bindparam("number"), limit=bindparam("most", type_=Integer)
    )


async def of_handoff(
    tenant: Tenant, handoff_id: UUID, *, after: int = 0, limit: int, reader_id: UUID | None = None
) -> list[Envelope]:
    """A page of a handoff's own history, oldest first. Its texts stand in the first event alone."""
    query = _history(
        tenant, EventRow.handoff_id == handoff_id, EventRow.number > after, limit=limit
    )
    found = await _read(tenant, query, repeat_texts=False, reader_id=reader_id)
    if after and found:
        found[0].data.update(dict.fromkeys(_JOINED))
    return found


async def newest_of_handoff(
    tenant: Tenant, handoff_id: UUID, *, limit: int, reader_id: UUID | None = None
) -> list[Envelope]:
    """The end of a handoff's own history, oldest first, without its texts."""
    numbers = tenant.select(EventRow, EventRow.number).where(EventRow.handoff_id == handoff_id)
    oldest = numbers.order_by(EventRow.number.desc()).offset(limit - 1).limit(1)
    first = func.coalesce(oldest.scalar_subquery(), 0)
    query = _history(tenant, EventRow.handoff_id == handoff_id, EventRow.number >= first)
    found = await _read(tenant, query, repeat_texts=False, reader_id=reader_id)
    if found:
        found[0].data.update(dict.fromkeys(_JOINED))
    return found


async def unpublished(tenant: Tenant, handoff_id: UUID) -> list[Envelope]:
    """What the push activity has not yet seen taken by Redis, oldest first."""
    query = _history(tenant, EventRow.handoff_id == handoff_id, EventRow.published_at.is_(None))
    return await _read(tenant, query, repeat_texts=True)


async def is_written(tenant: Tenant, envelope: Envelope) -> bool:
    """Whether this very event was committed: a number that was given back is another one's soon."""
    query = tenant.select(EventRow, EventRow.number).where(
        EventRow.number == int(envelope.id),
        EventRow.handoff_id == UUID(envelope.subject),
        EventRow.at == envelope.time,
        EventRow.type == EventType(envelope.type.removeprefix("handoff.")),
    )
    return await tenant.connection.scalar(query) is not None


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
