"""Records a new handoff: the workflow's first act. Idempotent by the handoff's id."""

from datetime import timedelta
from typing import Any

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
    async with database.account(new.account_id) as tenant:
        if await find_record(tenant, new.id) is not None:
            return Recorded(Verdict.RECORDED), None
        try:
            actor = await people.act_as(tenant, new.escalator_id)
        except Unauthenticated:
            return Recorded(Verdict.FORBIDDEN), None
        refusal = await _refusal(tenant, new, actor)
        if refusal is not None:
            return refusal, None
        policy = await _policy(tenant, claim_timeout, max_rounds)
        if not await _insert(tenant, new, policy):
            return Recorded(Verdict.ALREADY_OPEN, await living_handoff(tenant, new)), None
        return Recorded(Verdict.RECORDED), await _announce(tenant, new, actor)


async def _refusal(tenant: Tenant, new: NewHandoff, actor: Actor) -> Recorded | None:
    if actor.role not in WORKING_ROLES:
        return Recorded(Verdict.FORBIDDEN)
    query = tenant.select(SessionRow, SessionRow.holder_id, SessionRow.status)
    query = query.where(SessionRow.id == new.session_id).with_for_update()
    session = (await tenant.connection.execute(query)).one_or_none()
    if session is None or session.holder_id != actor.id:
        return Recorded(Verdict.NOT_HOLDER)
    if session.status is SessionStatus.CLOSED:
        return Recorded(Verdict.SESSION_CLOSED)
    return None


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


async def living_handoff(tenant: Tenant, new: NewHandoff) -> Any:
    """The handoff that the session has already, if any."""
    query = tenant.select(HandoffRow, HandoffRow.id).where(
        HandoffRow.session_id == new.session_id, HandoffRow.status.in_(LIVING)
    )
    return await tenant.connection.scalar(query)


async def _announce(tenant: Tenant, new: NewHandoff, actor: Actor) -> Changed:
    parks = new.intent is Intent.PARK
    await tenant.connection.execute(
        update(SessionRow)
        .where(SessionRow.account_id == tenant.account_id, SessionRow.id == new.session_id)
        .values(status=SessionStatus.PARKED if parks else SessionStatus.ESCALATED)
    )
    found = await find_record(tenant, new.id)
    assert found is not None  # noqa: S101 - it has just been written in this transaction
    written, _ = found
    event = EventType.PARKED if parks else EventType.CREATED
    envelope = await events.append(tenant, written, event, at=new.created_at, actor=actor)
    return Changed(written, envelope)
