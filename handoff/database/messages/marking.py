"""The two statements of the last look: which rows of the ledger leave, and which never will.

Both are given the rows as arrays. The first answers with the event's number and the destination of
each that it has marked.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Text,
    Update,
    Uuid,
    bindparam,
    case,
    column,
    func,
    or_,
    update,
)
from sqlalchemy.types import TypeEngine

from handoff.contract.policy import Target
from handoff.contract.words import UNSETTLED, DeliveryState, EventType, HandoffStatus, SkipReason
from handoff.database.gate import ANY
from handoff.database.messages.truth import has_moved, may_hear, still_true
from handoff.database.tables import DeliveryRow, HandoffRow


@lru_cache(maxsize=64)
def leaves(event: EventType, targets: tuple[Target, ...], to_people: bool) -> Update:
    """Marks as leaving what is still called for; `ids` is bound to what each bears."""
    wanted = _wanted({**_ROWS, "ids": Text()})
    return (
        update(DeliveryRow)
        .where(
            *_of_these(wanted),
            HandoffRow.id == DeliveryRow.handoff_id,
            ~has_moved(wanted.c.addresses, to_people),
            still_true(event),
            may_hear(event, targets, to_people),
        )
        .values(
            state=DeliveryState.SENDING,
            message_id=wanted.c.ids,
            changed_at=func.clock_timestamp(),
        )
        .returning(DeliveryRow.event_number, DeliveryRow.destination_id)
    )


@lru_cache(maxsize=64)
def stays(event: EventType, targets: tuple[Target, ...], to_people: bool) -> Update:
    """Settles those that do not leave; `choice` is bound to the reason if it is their reader's."""
    wanted = _wanted()
    hears = may_hear(event, targets, to_people)
    reason = case(
        (bindparam("choice", type_=Text()).is_not(None), bindparam("choice", type_=Text())),
        (~hears, SkipReason.NO_LONGER_ELIGIBLE.value),
        *((HandoffRow.status == status, why.value) for status, why in _WHY_SKIPPED.items()),
        else_=SkipReason.SUPERSEDED.value,
    )
    # For whoever has moved it is owed as before, at the address that they have.
    is_settled = or_(~has_moved(wanted.c.addresses, to_people), ~hears)
    return (
        update(DeliveryRow)
        .where(*_of_these(wanted), HandoffRow.id == DeliveryRow.handoff_id, is_settled)
        .values(state=DeliveryState.SKIPPED, reason=reason, changed_at=func.clock_timestamp())
    )


_WHY_SKIPPED = {
    HandoffStatus.CLAIMED: SkipReason.CLAIMED,
    HandoffStatus.RESOLVED: SkipReason.CLAIMED,
    HandoffStatus.CANCELLED: SkipReason.CANCELLED,
}


_ROWS: dict[str, TypeEngine[Any]] = {
    "handoffs": Uuid(),
    "events": BigInteger(),
    "destinations": Uuid(),
    "addresses": Text(),
}


def _wanted(rows: Mapping[str, TypeEngine[Any]] = _ROWS) -> FromClause:
    """The rows that are asked about, as a table. Bound as arrays of the same names."""
    unnested = func.unnest(*(bindparam(name, type_=ARRAY(kind)) for name, kind in rows.items()))
    names = (column(name, kind) for name, kind in rows.items())
    return unnested.table_valued(*names).render_derived("wanted")


def _of_these(wanted: FromClause) -> tuple[ColumnElement[bool], ...]:
    return (
        DeliveryRow.account_id == ANY.account_id,
        DeliveryRow.handoff_id == wanted.c.handoffs,
        DeliveryRow.event_number == wanted.c.events,
        DeliveryRow.channel == bindparam("on_channel"),
        DeliveryRow.destination_id == wanted.c.destinations,
        DeliveryRow.state.in_(UNSETTLED),
    )
