"""What stands in the way of a session's next handoff: one that lives, or one that was accepted."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Row, Select, Uuid, bindparam, func, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.messages import Recorded
from handoff.contract.words import LIVING, Verdict
from handoff.database import clock
from handoff.database.gate import ANY, Gate, Tenant
from handoff.database.tables import HandoffRow, RefusalRow, SessionRow


def _living(gate: Gate, session_id: UUID | BindParameter[UUID]) -> Select[Any]:
    return gate.select(HandoffRow, HandoffRow.id).where(
        HandoffRow.session_id == session_id, HandoffRow.status.in_(LIVING)
    )


async def living_handoff(tenant: Tenant, session_id: UUID) -> UUID | None:
    """The handoff that the session has already, if any."""
    found: UUID | None = await tenant.connection.scalar(_living(tenant, session_id))
    return found


async def foresee(tenant: Tenant, session_id: UUID, holder_id: UUID) -> tuple[Recorded, datetime]:
    """What the record would say to a handoff of this session now, and the database's time. The
    record alone has the last word; of times, this one has."""
    row = (await tenant.run(_standing(), session=session_id)).one_or_none()
    if row is None:
        return Recorded(Verdict.NOT_HOLDER), await clock.present(tenant.connection)
    return _foreseen(row, holder_id), row.now


def _foreseen(row: Row[Any], holder_id: UUID) -> Recorded:
    if row.holder_id != holder_id:
        return Recorded(Verdict.NOT_HOLDER)
    if row.living is not None:
        return Recorded(Verdict.ALREADY_OPEN, row.living)
    if row.accepted_handoff_id is not None:
        return Recorded(Verdict.ACCEPTED, row.accepted_handoff_id)
    return Recorded(Verdict.RECORDED)


@cache
def _standing() -> Select[Any]:
    living = _living(ANY, bindparam("session", type_=Uuid())).scalar_subquery().label("living")
    columns = (SessionRow.holder_id, SessionRow.accepted_handoff_id, living)
    query = ANY.select(SessionRow, *columns, func.clock_timestamp().label("now"))
    return query.where(SessionRow.id == bindparam("session"))


async def hold(tenant: Tenant, session_id: UUID) -> UUID | None:
    """Until the transaction ends nobody hands the session off. Which handoff was accepted for it.

    A look after this is one at what the others have left, however long it had to wait for them.
    """
    query = tenant.select(SessionRow, SessionRow.accepted_handoff_id)
    query = query.where(SessionRow.id == session_id).with_for_update(key_share=True)
    accepted: UUID | None = await tenant.connection.scalar(query)
    return accepted


async def accept(tenant: Tenant, session_id: UUID, handoff_id: UUID) -> Recorded:
    """Keeps the session for a handoff that the engine has and no worker recorded yet, or says what
    is in its way: another one that comes first, or the record's own no a moment ago.

    One that has been recorded meanwhile, whatever became of it since, leaves no mark: nobody would
    take it away.
    """
    before = await hold(tenant, session_id)
    if await is_recorded(tenant, handoff_id):
        return Recorded(Verdict.RECORDED)
    if (said := await refusal(tenant, handoff_id)) is not None:
        return said
    first = await living_handoff(tenant, session_id) or before
    if first not in (None, handoff_id):
        return Recorded(Verdict.ALREADY_OPEN, first)
    await tenant.connection.execute(
        update(SessionRow)
        .where(SessionRow.account_id == tenant.account_id, SessionRow.id == session_id)
        .values(accepted_handoff_id=handoff_id)
    )
    return Recorded(Verdict.RECORDED)


async def refuse(tenant: Tenant, handoff_id: UUID, said: Recorded) -> None:
    """Writes down that the record said no, while the session is held: whoever would promise the
    handoff holds the session, too, and comes either before or after."""
    await tenant.connection.execute(
        insert(RefusalRow)
        .values(
            handoff_id=handoff_id,
            account_id=tenant.account_id,
            verdict=said.verdict,
            other_id=said.other_id,
        )
        .on_conflict_do_nothing()
    )


async def refusal(tenant: Tenant, handoff_id: UUID) -> Recorded | None:
    """What the record said against this handoff, if it did."""
    query = tenant.select(RefusalRow, RefusalRow.verdict, RefusalRow.other_id).where(
        RefusalRow.handoff_id == handoff_id
    )
    row = (await tenant.connection.execute(query)).one_or_none()
    return None if row is None else Recorded(row.verdict, row.other_id)


async def is_recorded(tenant: Tenant, handoff_id: UUID) -> bool:
    """Whether it has a record, living or closed."""
    query = tenant.select(HandoffRow, HandoffRow.id).where(HandoffRow.id == handoff_id)
    return await tenant.connection.scalar(query) is not None


async def forget(tenant: Tenant, session_id: UUID, handoff_id: UUID) -> None:
    """The session is free again: that handoff will never be recorded."""
    await tenant.connection.execute(
        update(SessionRow)
        .where(
            SessionRow.account_id == tenant.account_id,
            SessionRow.id == session_id,
            SessionRow.accepted_handoff_id == handoff_id,
        )
        .values(accepted_handoff_id=None)
    )
