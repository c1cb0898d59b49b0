"""What the console's forms offer: colleagues, teams, the sessions that one holds, demo users.

Reads only; all but `residents` start with the account's own rows.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.contract.people import Person
from handoff.contract.words import HandoffStatus, Role, SessionStatus
from handoff.database.gate import Tenant
from handoff.database.people import PEOPLE, eligible
from handoff.database.tables import AccountRow, HandoffRow, SessionRow, TeamRow, UserRow


@dataclass(frozen=True, slots=True)
class Resident:
    """A living user, as the embedded stack's sign-in shows them."""

    id: UUID
    name: str
    role: Role
    account: str


async def colleagues(tenant: Tenant) -> list[Person]:
    """Everybody who could take a handoff, by name."""
    query = tenant.select(UserRow, UserRow.id, UserRow.name).where(*eligible())
    rows = await tenant.connection.execute(query.order_by(UserRow.name))
    return [Person(*row) for row in rows.all()]


async def everybody(tenant: Tenant, *, limit: int = 1000) -> list[Person]:
    """Who is or was there, by name: old work was done by people who have left, too."""
    query = tenant.select(UserRow, UserRow.id, UserRow.name).order_by(UserRow.name, UserRow.id)
    rows = await tenant.connection.execute(query.limit(limit))
    return [Person(*row) for row in rows.all()]


async def team_names(tenant: Tenant) -> list[tuple[UUID, str]]:
    """The account's teams, by name."""
    query = tenant.select(TeamRow, TeamRow.id, TeamRow.name).where(TeamRow.deleted_at.is_(None))
    rows = await tenant.connection.execute(query.order_by(TeamRow.name))
    return [(row.id, row.name) for row in rows.all()]


async def held(tenant: Tenant, user_id: UUID, *, first: UUID | None = None) -> list[Row[Any]]:
    """The sessions that are with this person and could be handed off, newest first; but `first`
    before them, if it is one of these."""
    query = tenant.select(SessionRow, SessionRow.id, SessionRow.title, SessionRow.created_at).where(
        SessionRow.holder_id == user_id,
        SessionRow.status == SessionStatus.ACTIVE,
        SessionRow.id.not_in(
            tenant.select(HandoffRow, HandoffRow.session_id).where(
                HandoffRow.status == HandoffStatus.CLAIMED
            )
        ),
    )
    query = query.order_by((SessionRow.id == first).desc(), SessionRow.id.desc()).limit(20)
    return list((await tenant.connection.execute(query)).all())


async def residents(connection: AsyncConnection) -> list[Resident]:
    """Every living user of every account: for the embedded stack's sign-in alone."""
    query = (
        select(UserRow.id, UserRow.name, UserRow.role, AccountRow.name)
        .join(AccountRow, AccountRow.id == UserRow.account_id)
        .where(*PEOPLE)
        .order_by(AccountRow.name, UserRow.id)
        .limit(100)
    )
    return [Resident(*row) for row in (await connection.execute(query)).all()]
