"""Records a new handoff: the workflow's first act. Idempotent by the handoff's id."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract import (
    Actor,
    EventType,
    HandoffStatus,
    Intent,
    NewHandoff,
    Policy,
    Recorded,
    SessionStatus,
    Verdict,
)
from handoff.database import Database, Tenant, events, people
from handoff.database.records import find_record
from handoff.database.tables import AccountRow, HandoffRow, SessionRow
from handoff.database.transitions import Changed
from handoff.errors import Unauthenticated
from handoff.rules.policy import WORKING_ROLES, default_policy, policy_from_json, policy_to_json

LIVING = (HandoffStatus.PARKED, HandoffStatus.OPEN, HandoffStatus.CLAIMED)
"""A session has at most one handoff in these states."""


async def record(
    database: Database, new: NewHandoff, *, claim_timeout: timedelta, max_rounds: int
) -> tuple[Recorded, Changed | None]:
    """Writes the handoff, the session's state and the first event, or says why not.

    Asked again for the same id it answers as before and writes nothing.
    """
    try:
        async with database.account(new.account_id) as tenant:
            if await find_record(tenant, new.id) is not None:
                return Recorded(Verdict.RECORDED), None
            actor = await _actor(tenant, new)
            policy = await _policy(tenant, claim_timeout, max_rounds)
            # The handoff first, then the session: every transition locks in this order.
            if not await _insert(tenant, new, policy):
                raise _Refused(Verdict.ALREADY_OPEN, await living_handoff(tenant, new.session_id))
            return Recorded(Verdict.RECORDED), await _announce(tenant, new, actor)
    except _Refused as refused:
        return refused.answer, None


class _Refused(Exception):
    """Rolls back what was written so far."""

    def __init__(self, verdict: Verdict, other_id: UUID | None = None) -> None:
        super().__init__(verdict)
        self.answer = Recorded(verdict, other_id)


async def _actor(tenant: Tenant, new: NewHandoff) -> Actor:
    try:
        actor = await people.act_as(tenant, new.escalator_id)
    except Unauthenticated:
        raise _Refused(Verdict.FORBIDDEN) from None
    if actor.role not in WORKING_ROLES:
        raise _Refused(Verdict.FORBIDDEN)
    query = tenant.select(SessionRow, SessionRow.holder_id, SessionRow.status)
    session = (
        await tenant.connection.execute(query.where(SessionRow.id == new.session_id))
    ).one_or_none()
    if session is None or session.holder_id != actor.id:
        raise _Refused(Verdict.NOT_HOLDER)
    if session.status is SessionStatus.CLOSED:
        raise _Refused(Verdict.SESSION_CLOSED)
    return actor


async def _policy(tenant: Tenant, claim_timeout: timedelta, max_rounds: int) -> Policy:
    """The account's policy as it is now: the copy that this handoff keeps."""
    query = select(AccountRow.policy).where(AccountRow.id == tenant.account_id)
    stored = (await tenant.connection.execute(query)).scalar_one()
    return policy_from_json(stored) if stored else default_policy(claim_timeout, max_rounds)


async def _insert(tenant: Tenant, new: NewHandoff, policy: Policy) -> bool:
    parks = new.intent is Intent.PARK
    values: dict[str, Any] = {
        "id": new.id,
        "account_id": tenant.account_id,
        "session_id": new.session_id,
        "intent": new.intent,
        "priority": new.priority,
        "status": HandoffStatus.PARKED if parks else HandoffStatus.OPEN,
        "engineer_notes": new.engineer_notes,
        "context": new.context,
        "escalator_id": new.escalator_id,
        "created_at": new.created_at,
        "remind_at": new.remind_at,
        "policy": policy_to_json(policy),
        "rounds_total": policy.rounds_total,
        "deadline_at": None if parks else new.created_at,
        "last_actor_id": new.escalator_id,
        "changed_at": func.clock_timestamp(),
    }
    written = await tenant.connection.execute(
        insert(HandoffRow).values(**values).on_conflict_do_nothing()
    )
    return written.rowcount == 1


async def living_handoff(tenant: Tenant, session_id: UUID) -> UUID | None:
    """The handoff that the session has already, if any."""
    query = tenant.select(HandoffRow, HandoffRow.id).where(
        HandoffRow.session_id == session_id, HandoffRow.status.in_(LIVING)
    )
    found: UUID | None = await tenant.connection.scalar(query)
    return found


async def _announce(tenant: Tenant, new: NewHandoff, actor: Actor) -> Changed:
    parks = new.intent is Intent.PARK
    held = await tenant.connection.execute(
        update(SessionRow)
        .where(
            SessionRow.account_id == tenant.account_id,
            SessionRow.id == new.session_id,
            SessionRow.holder_id == actor.id,
        )
        .values(status=SessionStatus.PARKED if parks else SessionStatus.ESCALATED)
    )
    if held.rowcount != 1:
        raise _Refused(Verdict.NOT_HOLDER)
    found = await find_record(tenant, new.id)
    assert found is not None  # noqa: S101 - it has just been written in this transaction
    written, _ = found
    event = EventType.PARKED if parks else EventType.CREATED
    envelope = await events.append(tenant, written, event, at=new.created_at, actor=actor)
    return Changed(written, envelope)
