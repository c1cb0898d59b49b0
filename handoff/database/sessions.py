"""AI sessions: made, found, listed, given to somebody when their holder is gone."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, not_, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.words import LIVING, SessionStatus
from handoff.database import people
from handoff.database.gate import Tenant
from handoff.database.pages import page_of
from handoff.database.tables import HandoffRow, SessionRow, TeamRow, UserRow
from handoff.ids import new_id
from handoff.rules.roles import WORKING_ROLES


def _sessions(tenant: Tenant) -> Select[Any]:
    return tenant.select(
        SessionRow,
        SessionRow.id,
        SessionRow.account_id,
        SessionRow.team_id,
        SessionRow.follows_id,
        SessionRow.title,
        SessionRow.context,
        SessionRow.status,
        SessionRow.created_at,
        SessionRow.holder_id,
        UserRow.name.label("holder_name"),
    ).join(UserRow, UserRow.id == SessionRow.holder_id)


async def create(
    tenant: Tenant,
    *,
    holder_id: UUID,
    title: str,
    context: dict[str, Any] | None,
    team_id: UUID | None,
    follows_id: UUID | None = None,
    session_id: UUID | None = None,
) -> Row[Any]:
    """A new session, held by its maker. Asked again for the same id it answers as before."""
    made = session_id or new_id()
    await tenant.connection.execute(
        insert(SessionRow)
        .values(
            id=made,
            account_id=tenant.account_id,
            team_id=team_id,
            follows_id=follows_id,
            title=title,
            context=context,
            holder_id=holder_id,
        )
        .on_conflict_do_nothing()
    )
    found = await find_session(tenant, made)
    assert found is not None  # noqa: S101 - it has just been written in this transaction
    return found


async def find_session(tenant: Tenant, session_id: UUID) -> Row[Any] | None:
    """A session of the account, or None: unknown and foreign look alike."""
    query = _sessions(tenant).where(SessionRow.id == session_id)
    row: Row[Any] | None = (await tenant.connection.execute(query)).one_or_none()
    return row


async def give(tenant: Tenant, session_id: UUID, to: UUID) -> bool:
    """Gives a session whose holder is gone to somebody else; whether it was such a one.

    Gone is who is no active engineer, admin or owner. What waits for somebody, or somebody has, is
    claimed instead.
    """
    present = tenant.select(UserRow, UserRow.id).where(
        UserRow.id == SessionRow.holder_id, *people.LIVING, UserRow.role.in_(WORKING_ROLES)
    )
    handed_off = tenant.select(HandoffRow, HandoffRow.id).where(
        HandoffRow.session_id == SessionRow.id, HandoffRow.status.in_(LIVING)
    )
    given = await tenant.connection.execute(
        update(SessionRow)
        .where(
            SessionRow.account_id == tenant.account_id,
            SessionRow.id == session_id,
            SessionRow.status != SessionStatus.CLOSED,
            SessionRow.accepted_handoff_id.is_(None),
            not_(present.exists()),
            not_(handed_off.exists()),
        )
        .values(holder_id=to)
    )
    return given.rowcount == 1


async def newest_sessions(
    tenant: Tenant, *, limit: int, before: UUID | None = None
) -> tuple[Sequence[Row[Any]], bool]:
    """A page of the account's sessions, newest first, and whether more follows.

    Ids sort by time, so one of them is the cursor.
    """
    query = _sessions(tenant).order_by(SessionRow.id.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(SessionRow.id < before)
    return page_of((await tenant.connection.execute(query)).all(), limit)


async def team_name(tenant: Tenant, team_id: UUID) -> str | None:
    """What the account's team is called, if there is one; until the transaction ends it stays."""
    query = tenant.select(TeamRow, TeamRow.name).where(
        TeamRow.id == team_id, TeamRow.deleted_at.is_(None)
    )
    name: str | None = await tenant.connection.scalar(query.with_for_update(read=True))
    return name
