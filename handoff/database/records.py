"""Reads handoffs: rows become `Record`s, and records become what people see."""

from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, Uuid, and_, any_, bindparam, func, not_, or_
from sqlalchemy.orm import aliased

from handoff.contract.people import Person
from handoff.contract.policy import Policy
from handoff.contract.record import HandoffView, Record
from handoff.contract.words import Intent
from handoff.database.gate import ANY, Gate, Tenant
from handoff.database.pages import page_of
from handoff.database.tables import HandoffRow, SessionRow, TeamRow, UserRow
from handoff.rules.policy import policy_from_json, policy_to_json
from handoff.rules.steps import next_action

_Escalator = aliased(UserRow)
_Claimer = aliased(UserRow)
_Named = aliased(UserRow)

_PLAIN = (
    "id",
    "session_id",
    "account_id",
    "intent",
    "priority",
    "status",
    "engineer_notes",
    "context",
    "created_at",
    "escalated_at",
    "claimed_at",
    "before_claim",
    "first_claimed_at",
    "first_claimed_by_id",
    "first_claimed_round",
    "first_claimed_level",
    "level",
    "level_round",
    "round",
    "rounds_total",
    "deadline_at",
    "exhausted_at",
    "expires_at",
    "snoozed_until",
    "remind_at",
    "reminded_at",
    "transfer_until",
    "lease_until",
    "lease_reminded_at",
    "last_actor_id",
    "last_act",
    "outcome",
    "resolution_note",
    "resolved_at",
    "note_count",
    "call_count",
    "version",
)
"""The record's fields that are columns of the same name."""


def records(gate: Gate) -> Select[Any]:
    """The account's handoffs with the names that people know them by."""
    return (
        gate.select(
            HandoffRow,
            *(getattr(HandoffRow, name) for name in _PLAIN),
            HandoffRow.policy,
            SessionRow.title.label("session_title"),
            SessionRow.team_id,
            TeamRow.name.label("team_name"),
            HandoffRow.escalator_id,
            _Escalator.name.label("escalator_name"),
            HandoffRow.claimed_by_id,
            _Claimer.name.label("claimer_name"),
            HandoffRow.transfer_to_id,
            _Named.name.label("named_name"),
        )
        .join(SessionRow, SessionRow.id == HandoffRow.session_id)
        .join(_Escalator, _Escalator.id == HandoffRow.escalator_id)
        .outerjoin(TeamRow, TeamRow.id == SessionRow.team_id)
        .outerjoin(_Claimer, _Claimer.id == HandoffRow.claimed_by_id)
        .outerjoin(_Named, _Named.id == HandoffRow.transfer_to_id)
    )


NAMED = func.lower(
    func.concat_ws(
        " ",
        SessionRow.title,
        _Escalator.name,
        HandoffRow.priority,
        TeamRow.name,
        _Claimer.name,
    )
)
"""What a row of `records` is called by, in small letters: its title, people, priority and team."""


def to_record(row: Row[Any]) -> Record:
    """One row of `records`."""
    return Record(
        **{name: getattr(row, name) for name in _PLAIN},
        session_title=row.session_title,
        team_id=row.team_id,
        team_name=row.team_name,
        policy=policy_from_json(row.policy),
        escalator=Person(row.escalator_id, row.escalator_name),
        claimed_by=_person(row.claimed_by_id, row.claimer_name),
        transfer_to=_person(row.transfer_to_id, row.named_name),
    )


def columns_of(record: Record) -> dict[str, Any]:
    """The row of a record: the inverse of `to_record`, without what other tables hold."""
    return to_columns({name: getattr(record, name) for name in (*_PLAIN, *_PEOPLE, "policy")})


def to_columns(values: dict[str, Any]) -> dict[str, Any]:
    """A record's values by the names of their columns: people by their ids."""
    return {_PEOPLE.get(name, name): _stored(value) for name, value in values.items()}


_PEOPLE = {
    "escalator": "escalator_id",
    "claimed_by": "claimed_by_id",
    "transfer_to": "transfer_to_id",
}


def _stored(value: Any) -> Any:
    match value:
        case Person():
            return value.id
        case Policy():
            return policy_to_json(value)
        case _:
            return value


def _person(user_id: UUID | None, name: str | None) -> Person | None:
    return None if user_id is None or name is None else Person(user_id, name)


async def find_record(
    tenant: Tenant, handoff_id: UUID, *, session_id: UUID | None = None, lock: bool = False
) -> tuple[Record, datetime] | None:
    """The handoff and the database's time, or None: unknown and foreign look alike."""
    if lock:
        # By itself: what is joined to a row that had to be waited for is as old as the question.
        await tenant.run(_lock(), handoff=handoff_id)
    query = _one(of_session=session_id is not None)
    row = (await tenant.run(query, handoff=handoff_id, session=session_id)).one_or_none()
    return None if row is None else (to_record(row), row.now)


async def find_records(
    tenant: Tenant, handoff_ids: Iterable[UUID]
) -> tuple[dict[UUID, Record], datetime]:
    """The handoffs, at least one of which is there, and the database's time."""
    rows = (await tenant.run(_some(), handoffs=[*handoff_ids])).all()
    return {row.id: to_record(row) for row in rows}, rows[0].now


@cache
def _some() -> Select[Any]:
    query = records(ANY).add_columns(func.clock_timestamp().label("now"))
    return query.where(HandoffRow.id == any_(bindparam("handoffs", type_=ARRAY(Uuid()))))


@cache
def _lock() -> Select[Any]:
    query = ANY.select(HandoffRow, HandoffRow.id).where(HandoffRow.id == bindparam("handoff"))
    # No stronger: an event that points at the handoff may be on its way to commit.
    return query.with_for_update(key_share=True)


@cache
def _one(*, of_session: bool) -> Select[Any]:
    query = records(ANY).add_columns(func.clock_timestamp().label("now"))
    query = query.where(HandoffRow.id == bindparam("handoff"))
    return query.where(HandoffRow.session_id == bindparam("session")) if of_session else query


_SHOWN = [field.name for field in fields(HandoffView) if field.name != "next_action"]


def view(record: Record, *, reader_id: UUID | None = None) -> HandoffView:
    """The record as `reader_id` may see it; None stands for anybody of the account."""
    shown = HandoffView(
        **{name: getattr(record, name) for name in _SHOWN}, next_action=next_action(record)
    )
    if is_private(record) and record.escalator.id != reader_id:
        return replace(shown, engineer_notes=None, context=None)
    return shown


def is_private(record: Record) -> bool:
    """Until another picks a parked handoff up, only its parker sees what they noted."""
    mine = record.claimed_by is None or record.claimed_by.id == record.escalator.id
    return record.intent is Intent.PARK and mine


IS_PRIVATE = and_(
    HandoffRow.intent == Intent.PARK,
    or_(
        HandoffRow.claimed_by_id.is_(None),
        HandoffRow.claimed_by_id == HandoffRow.escalator_id,
    ),
)
"""The same as `is_private`, for queries."""


async def readable(tenant: Tenant, ids: Iterable[UUID], *, reader_id: UUID | None) -> set[UUID]:
    """Those of these handoffs whose text `reader_id` may see; the same rule as in `view`."""
    query = tenant.select(HandoffRow, HandoffRow.id).where(
        HandoffRow.id.in_(set(ids)),
        or_(not_(IS_PRIVATE), HandoffRow.escalator_id == reader_id),
    )
    return set((await tenant.connection.scalars(query)).all())


async def of_session(
    tenant: Tenant, session_id: UUID, *, limit: int, before: UUID | None = None
) -> tuple[list[Record], bool]:
    """A page of a session's handoffs, newest first, and whether more follows.

    Ids sort by time, so one of them is the cursor.
    """
    query = records(tenant).where(HandoffRow.session_id == session_id)
    query = query.order_by(HandoffRow.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(HandoffRow.id < before)
    shown, more = page_of((await tenant.connection.execute(query)).all(), limit)
    return [to_record(row) for row in shown], more
