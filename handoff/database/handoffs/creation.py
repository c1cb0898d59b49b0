"""Records a new handoff: the workflow's first act. Idempotent by the handoff's id."""

from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, func, or_, true, update

from handoff.contract.messages import NewHandoff, Recorded
from handoff.contract.people import Actor, Person
from handoff.contract.policy import Policy
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Intent, SessionStatus, Verdict
from handoff.database import endpoints, events, files, outages, people
from handoff.database.gate import ANY, Database, Tenant
from handoff.database.handoffs.accepted import refuse
from handoff.database.handoffs.insertion import bound, inserted
from handoff.database.handoffs.snapshots import snapshot_of
from handoff.database.handoffs.standing import living_handoff
from handoff.database.handoffs.transitions import Changed
from handoff.database.records import columns_of
from handoff.database.tables import AccountRow, HandoffRow, RefusalRow, SessionRow, UserRow
from handoff.database.token_rights import by_token
from handoff.rules.policy import default_policy, policy_from_json
from handoff.rules.roles import WORKING_ROLES
from handoff.rules.steps import next_step


@outages.tried_again
async def record(
    database: Database, new: NewHandoff, *, claim_timeout: timedelta, max_rounds: int
) -> tuple[Recorded, Changed | None]:
    """Writes the handoff, the session's state and the first event, or says why not.

    Asked again for the same id it answers as before and writes nothing.
    """
    try:
        async with database.account(new.account_id) as tenant:
            record, actor = await _as_recorded(
                tenant, new, default_policy(claim_timeout, max_rounds)
            )
            await _write(tenant, record)
            if new.callback is not None:
                await endpoints.keep_callback(tenant, record.id, new.callback)
            event = EventType.PARKED if new.intent is Intent.PARK else EventType.CREATED
            at = record.created_at
            told = await files.named(tenant, new.session_id, new.files)
            details = {"files": told} if told else {}
            envelope = await events.append(
                tenant, record, event, at=at, actor=actor, details=details
            )
            first = snapshot_of(record, step=next_step(record))
            return Recorded(Verdict.RECORDED, first=first), Changed(record, envelope)
    except _Refused as refused:
        return await refuse(
            database, new, refused.answer, default_policy(claim_timeout, max_rounds)
        )


class _Refused(Exception):
    """Rolls back what was written so far."""

    def __init__(self, verdict: Verdict, other_id: UUID | None = None) -> None:
        super().__init__(verdict)
        self.answer = Recorded(verdict, other_id)


async def _as_recorded(tenant: Tenant, new: NewHandoff, default: Policy) -> tuple[Record, Actor]:
    """The record to be, with its actor at the time of the act, and the account's policy.

    One question, for this is what the caller of an escalation waits for.
    """
    found = await tenant.run(
        _situation(), session=new.session_id, escalator=new.escalator_id, handoff=new.id
    )
    row = found.one_or_none()
    if row is not None and row.refused is not None:
        # Its caller may have heard so: what was refused once stays refused.
        raise _Refused(row.refused, row.refused_for)
    if row is None or row.role not in WORKING_ROLES:
        raise _Refused(Verdict.FORBIDDEN)
    if row.holder_id != row.id:
        raise _Refused(Verdict.NOT_HOLDER)
    if row.status is SessionStatus.CLOSED:
        raise _Refused(Verdict.SESSION_CLOSED)
    if row.accepted_handoff_id not in (None, new.id):
        raise _Refused(Verdict.ALREADY_OPEN, row.accepted_handoff_id)
    person = Actor(**{column.key: getattr(row, column.key) for column in people.ACTOR})
    actor = await by_token(tenant, person, new.token_id)
    if actor is None or actor.role not in WORKING_ROLES:
        raise _Refused(Verdict.FORBIDDEN)
    # The copy that is kept, whatever becomes of the account's own.
    policy = policy_from_json(row.policy) if row.policy else default
    parks = new.intent is Intent.PARK
    # PostgreSQL's, too; an API of an older build sends its own, which may run ahead.
    created_at = min(new.created_at, row.now)
    record = Record(
        id=new.id,
        session_id=new.session_id,
        session_title=row.title,
        account_id=new.account_id,
        team_id=row.session_team_id,
        intent=new.intent,
        priority=new.priority,
        status=HandoffStatus.PARKED if parks else HandoffStatus.OPEN,
        engineer_notes=new.engineer_notes,
        context=new.context,
        escalator=Person(actor.id, actor.name),
        created_at=created_at,
        policy=policy,
        rounds_total=policy.rounds_total,
        deadline_at=None if parks else created_at,
        remind_at=new.remind_at,
        last_actor_id=actor.id,
    )
    return record, actor


@cache
def _situation() -> Select[Any]:
    of_session = and_(
        SessionRow.account_id == UserRow.account_id, SessionRow.id == bindparam("session")
    )
    of_handoff = and_(
        RefusalRow.account_id == UserRow.account_id, RefusalRow.handoff_id == bindparam("handoff")
    )
    return (
        ANY.select(
            UserRow,
            *people.ACTOR,
            SessionRow.holder_id,
            SessionRow.status,
            SessionRow.accepted_handoff_id,
            SessionRow.title,
            SessionRow.team_id.label("session_team_id"),
            AccountRow.policy,
            RefusalRow.verdict.label("refused"),
            RefusalRow.other_id.label("refused_for"),
            func.clock_timestamp().label("now"),
        )
        .join(AccountRow, AccountRow.id == UserRow.account_id)
        .outerjoin(SessionRow, of_session)
        .outerjoin(RefusalRow, of_handoff)
        .where(UserRow.id == bindparam("escalator"), *people.LIVING)
        .with_for_update(read=True, of=UserRow)
    )


async def _write(tenant: Tenant, record: Record) -> None:
    parks = record.status is HandoffStatus.PARKED
    written = await tenant.run(
        _written(frozenset(columns_of(record))),
        session_status=SessionStatus.PARKED if parks else SessionStatus.ESCALATED,
        **bound(record),
    )
    row = written.one_or_none()
    if row is None:
        raise _Refused(Verdict.ALREADY_OPEN, await living_handoff(tenant, record.session_id))
    if row.held is None:
        raise _Refused(Verdict.NOT_HOLDER)


@cache
def _written(columns: frozenset[str]) -> Select[Any]:
    """The handoff, then its session: every transition locks in this order. One statement."""
    written = (
        inserted(columns)
        .on_conflict_do_nothing()
        .returning(
            HandoffRow.account_id, HandoffRow.id, HandoffRow.session_id, HandoffRow.escalator_id
        )
        .cte("written")
    )
    held = (
        update(SessionRow)
        .where(
            SessionRow.account_id == ANY.account_id,
            SessionRow.id == written.c.session_id,
            SessionRow.holder_id == written.c.escalator_id,
            or_(
                SessionRow.accepted_handoff_id.is_(None),
                SessionRow.accepted_handoff_id == written.c.id,
            ),
        )
        .values(status=bindparam("session_status"), accepted_handoff_id=None)
        .returning(SessionRow.id)
        .cte("held")
    )
    query = ANY.select(written.c, written.c.id, held.c.id.label("held"))
    return query.outerjoin(held, true())
