"""What stands in the way of a session's next handoff: one that lives, or one that was accepted."""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Select, Uuid, bindparam, func, not_, update

from handoff.contract.messages import Recorded
from handoff.contract.words import LIVING, Verdict
from handoff.database.gate import ANY, Gate, Tenant
from handoff.database.tables import HandoffRow, SessionRow


def _living(gate: Gate, session_id: UUID | BindParameter[UUID]) -> Select[Any]:
    return gate.select(HandoffRow, HandoffRow.id).where(
        HandoffRow.session_id == session_id, HandoffRow.status.in_(LIVING)
    )


async def living_handoff(tenant: Tenant, session_id: UUID) -> UUID | None:
    """The handoff that the session has already, if any."""
    found: UUID | None = await tenant.connection.scalar(_living(tenant, session_id))
    return found


async def foresee(tenant: Tenant, session_id: UUID, holder_id: UUID) -> Recorded:
    """What the record would say to a handoff of this session now. It alone has the last word."""
    row = (await tenant.run(_standing(), session=session_id)).one_or_none()
    if row is None or row.holder_id != holder_id:
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
    return ANY.select(SessionRow, *columns).where(SessionRow.id == bindparam("session"))


async def accept(tenant: Tenant, session_id: UUID, handoff_id: UUID) -> UUID | None:
    """Keeps the session for a handoff that the engine has and no worker recorded yet.

    Answers with the handoff that comes first: this one, another one, or None when there is none
    to come any more.
    """
    others = _living(tenant, session_id).exists()
    await tenant.connection.execute(
        update(SessionRow)
        .where(
            SessionRow.account_id == tenant.account_id,
            SessionRow.id == session_id,
            SessionRow.accepted_handoff_id.is_(None),
            not_(others),
        )
        .values(accepted_handoff_id=handoff_id)
    )
    living = _living(tenant, session_id).scalar_subquery()
    first = func.coalesce(living, SessionRow.accepted_handoff_id)
    query = tenant.select(SessionRow, first).where(SessionRow.id == session_id)
    found: UUID | None = await tenant.connection.scalar(query)
    return found


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
