"""What was answered 202 and then refused: it is recorded, and its author hears why it ended."""

from functools import cache
from typing import Any

import structlog
from sqlalchemy import Select, bindparam, func

from handoff.contract.messages import Envelope, NewHandoff, Recorded
from handoff.contract.people import Person
from handoff.contract.policy import Policy
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Verdict
from handoff.database import endpoints, events
from handoff.database.gate import ANY, Database, Tenant
from handoff.database.handoffs import standing
from handoff.database.handoffs.audience import choose
from handoff.database.handoffs.insertion import bound, inserted
from handoff.database.handoffs.snapshots import look_and_mark
from handoff.database.handoffs.transitions import Changed
from handoff.database.records import columns_of
from handoff.database.tables import SessionRow, UserRow
from handoff.rules.change import Change, Tells

logger = structlog.get_logger(__name__)


async def refuse(
    database: Database, new: NewHandoff, said: Recorded, default: Policy
) -> tuple[Recorded, Changed | None]:
    """What was refused and never promised, leaves nothing. What was answered 202 is recorded all
    the same, as cancelled: its author hears what became of it, and everybody can read it."""
    async with database.account(new.account_id) as tenant:
        accepted = await standing.hold(tenant, new.session_id)
        if await standing.is_recorded(tenant, new.id):
            return Recorded(Verdict.RECORDED), None
        if accepted != new.id:
            await standing.refuse(tenant, new.id, said)
            return said, None
        record = await _as_cancelled(tenant, new, default)
        await tenant.run(inserted(frozenset(columns_of(record))), **bound(record))
        if new.callback is not None:
            await endpoints.keep_callback(tenant, new.id, new.callback)
        await standing.forget(tenant, new.session_id, new.id)
        envelope = await _tell(tenant, record, said)
        logger.error("handoff.accepted_in_vain", handoff_id=str(new.id), verdict=said.verdict.value)
        seen = await look_and_mark(tenant, new.id, ringing=envelope)
        return Recorded(Verdict.RECORDED, first=seen), Changed(record, envelope)


async def _tell(tenant: Tenant, record: Record, said: Recorded) -> Envelope:
    """To whoever handed it off and to the owners: its author may be nobody any more."""
    change = Change(EventType.CANCELLED, {}, tells=Tells.ESCALATOR_AND_OWNERS)
    messages = await choose(tenant, record, change, held_by=None, actor=None, now=record.created_at)
    details = {"reason": IN_VAIN[said.verdict], "accepted": True}
    at = record.resolved_at or record.created_at
    return await events.append(
        tenant, record, EventType.CANCELLED, at=at, details=details, messages=messages
    )


IN_VAIN: dict[Verdict, str] = {
    Verdict.FORBIDDEN: "It was accepted, but nobody was called: whoever handed it off, or their "
    "token, was not allowed to any more when it came to be recorded.",
    Verdict.NOT_HOLDER: "It was accepted, but nobody was called: the session was somebody else's "
    "when it came to be recorded.",
    Verdict.SESSION_CLOSED: "It was accepted, but nobody was called: the session was closed when "
    "it came to be recorded.",
    Verdict.ALREADY_OPEN: "It was accepted, but nobody was called: the session had another "
    "handoff when it came to be recorded.",
}
"""What is said of a handoff that was answered 202 and then refused."""


async def _as_cancelled(tenant: Tenant, new: NewHandoff, default: Policy) -> Record:
    row = (await tenant.run(_promised(), session=new.session_id, escalator=new.escalator_id)).one()
    return Record(
        id=new.id,
        session_id=new.session_id,
        session_title=row.title,
        account_id=new.account_id,
        team_id=row.team_id,
        intent=new.intent,
        priority=new.priority,
        status=HandoffStatus.CANCELLED,
        engineer_notes=new.engineer_notes,
        context=new.context,
        escalator=Person(new.escalator_id, row.name),
        created_at=min(new.created_at, row.now),
        resolved_at=row.now,
        policy=default,
        rounds_total=default.rounds_total,
    )


@cache
def _promised() -> Select[Any]:
    now = func.clock_timestamp().label("now")
    query = ANY.select(SessionRow, SessionRow.title, SessionRow.team_id, UserRow.name, now)
    return query.join(UserRow, UserRow.id == bindparam("escalator")).where(
        SessionRow.id == bindparam("session")
    )
