"""The account's teams, as admins keep them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.people import Actor
from handoff.database import outages
from handoff.database.directory.departures import begin_change
from handoff.database.gate import Database, Tenant
from handoff.database.tables import EndpointRow, SessionRow, TeamRow, UserRow
from handoff.errors import NotFound


@dataclass(frozen=True, slots=True)
class DirectoryTeam:
    """A team as the directory has it."""

    id: UUID
    name: str
    deleted_at: datetime | None


def _teams(tenant: Tenant) -> Select[Any]:
    return tenant.select(TeamRow, TeamRow.id, TeamRow.name, TeamRow.deleted_at)


async def teams(
    tenant: Tenant, *, search: str | None, include_deleted: bool, after: UUID | None, limit: int
) -> list[DirectoryTeam]:
    """A page of the account's teams, in the order of their ids."""
    query = _teams(tenant).order_by(TeamRow.id).limit(limit)
    if search:
        query = query.where(TeamRow.name.icontains(search, autoescape=True))
    if not include_deleted:
        query = query.where(TeamRow.deleted_at.is_(None))
    if after is not None:
        query = query.where(TeamRow.id > after)
    rows = (await tenant.connection.execute(query)).all()
    return [DirectoryTeam(**row._mapping) for row in rows]


async def find_team(tenant: Tenant, team_id: UUID) -> DirectoryTeam | None:
    """A team of the account, deleted or not, or None: unknown and foreign look alike."""
    row = (await tenant.connection.execute(_teams(tenant).where(TeamRow.id == team_id))).first()
    return None if row is None else DirectoryTeam(**row._mapping)


@outages.tried_again
async def put_team(
    database: Database, caller: Actor, team_id: UUID, *, name: str
) -> tuple[DirectoryTeam, bool]:
    """Makes, renames or brings back a team; whether it is new.

    Raises:
        NotFound: the id is another account's.
    """
    async with database.account(caller.account_id) as tenant:
        await begin_change(tenant, caller)
        before = await find_team(tenant, team_id)
        statement = insert(TeamRow).values(id=team_id, account_id=tenant.account_id, name=name)
        statement = statement.on_conflict_do_update(
            index_elements=["id"],
            set_={"name": name, "deleted_at": None},
            where=TeamRow.account_id == tenant.account_id,
        )
        if (await tenant.connection.execute(statement)).rowcount != 1:
            raise NotFound("There is no such team.")
        return DirectoryTeam(team_id, name, None), before is None


@outages.tried_again
async def delete_team(database: Database, caller: Actor, team_id: UUID) -> None:
    """Soft. Its people and its sessions are of no team afterwards, so everybody sees them.

    Raises:
        NotFound: unknown, or another account's.
    """
    async with database.account(caller.account_id) as tenant:
        await begin_change(tenant, caller)
        if await find_team(tenant, team_id) is None:
            raise NotFound("There is no such team.")
        # The team first: whoever puts something into it meanwhile is waited for, or finds it gone.
        await tenant.connection.execute(
            update(TeamRow)
            .where(
                TeamRow.account_id == tenant.account_id,
                TeamRow.id == team_id,
                TeamRow.deleted_at.is_(None),
            )
            .values(deleted_at=func.clock_timestamp())
        )
        await tenant.connection.execute(
            update(EndpointRow)
            .where(EndpointRow.account_id == tenant.account_id, EndpointRow.team_id == team_id)
            .values(disabled_at=func.clock_timestamp(), address="")
        )
        for table in (UserRow, SessionRow):
            await tenant.connection.execute(
                update(table)
                .where(table.account_id == tenant.account_id, table.team_id == team_id)
                .values(team_id=None)
            )
