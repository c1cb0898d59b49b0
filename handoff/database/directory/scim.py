"""Users and teams as an identity provider keeps them: found, paged, and put with their members.

Who may change what is decided in `directory`; deleted users and teams do not exist here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.people import Actor, Person
from handoff.contract.words import Role
from handoff.database.directory.departures import begin_change
from handoff.database.directory.scim_filters import Condition, of_teams, of_users
from handoff.database.gate import Database, Tenant
from handoff.database.tables import TeamRow, UserRow
from handoff.errors import AddressTaken, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class ScimUser:
    """A living user with their team."""

    id: UUID
    email: str
    name: str
    role: Role
    is_active: bool
    external_id: str | None
    team_id: UUID | None
    team_name: str | None
    user_name: str | None
    profile: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ScimTeam:
    """A living team with everybody in it."""

    id: UUID
    name: str
    external_id: str | None
    members: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class WantedTeam:
    """What a team is to be."""

    name: str
    external_id: str | None
    members: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a list: from `start`, counted from 1, so many."""

    start: int
    count: int


def _users(tenant: Tenant) -> Select[Any]:
    return (
        tenant.select(
            UserRow,
            UserRow.id,
            UserRow.email,
            UserRow.name,
            UserRow.role,
            UserRow.is_active,
            UserRow.external_id,
            UserRow.team_id,
            TeamRow.name.label("team_name"),
            UserRow.user_name,
            UserRow.profile,
        )
        .outerjoin(TeamRow, TeamRow.id == UserRow.team_id)
        .where(UserRow.deleted_at.is_(None))
    )


async def living_user(tenant: Tenant, user_id: UUID) -> ScimUser | None:
    """A living user of the account, or None."""
    query = _users(tenant).where(UserRow.id == user_id)
    row = (await tenant.connection.execute(query)).one_or_none()
    return None if row is None else ScimUser(**row._mapping)


async def page_of_users(
    tenant: Tenant, wanted: Condition | None, page: Page
) -> tuple[list[ScimUser], int]:
    """A page of the users that fit, and how many there are in all."""
    query = _users(tenant)
    if wanted is not None:
        query = query.where(of_users(wanted))
    total = await _count(tenant, query)
    query = query.order_by(UserRow.id).offset(page.start - 1).limit(page.count)
    rows = (await tenant.connection.execute(query)).all()
    return [ScimUser(**row._mapping) for row in rows], total


async def _count(tenant: Tenant, query: Select[Any]) -> int:
    counted: int = (
        await tenant.connection.execute(query.with_only_columns(func.count()))
    ).scalar_one()
    return counted


def _teams(tenant: Tenant) -> Select[Any]:
    return tenant.select(TeamRow, TeamRow.id, TeamRow.name, TeamRow.external_id).where(
        TeamRow.deleted_at.is_(None)
    )


async def living_team(tenant: Tenant, team_id: UUID) -> ScimTeam | None:
    """A living team of the account, or None."""
    query = _teams(tenant).where(TeamRow.id == team_id)
    row = (await tenant.connection.execute(query)).one_or_none()
    return None if row is None else (await _with_members(tenant, [row]))[0]


async def page_of_teams(
    tenant: Tenant, wanted: Condition | None, page: Page
) -> tuple[list[ScimTeam], int]:
    """A page of the teams that fit, and how many there are in all."""
    query = _teams(tenant)
    if wanted is not None:
        query = query.where(of_teams(wanted))
    total = await _count(tenant, query)
    query = query.order_by(TeamRow.id).offset(page.start - 1).limit(page.count)
    return await _with_members(tenant, (await tenant.connection.execute(query)).all()), total


async def _with_members(tenant: Tenant, rows: Any) -> list[ScimTeam]:
    query = tenant.select(UserRow, UserRow.id, UserRow.name, UserRow.team_id).where(
        UserRow.team_id.in_([row.id for row in rows]), UserRow.deleted_at.is_(None)
    )
    members: dict[UUID, list[Person]] = {}
    for found in (await tenant.connection.execute(query.order_by(UserRow.id))).all():
        members.setdefault(found.team_id, []).append(Person(found.id, found.name))
    return [
        ScimTeam(row.id, row.name, row.external_id, tuple(members.get(row.id, ()))) for row in rows
    ]


async def put_with_members(
    database: Database,
    caller: Actor,
    team_id: UUID,
    decide: Callable[[ScimTeam | None], WantedTeam],
    *,
    keep: Callable[[Tenant, ScimTeam], Awaitable[None]] | None = None,
) -> ScimTeam:
    """Makes the team what `decide` says of how it is, with exactly these members.

    `keep`: what is done with it or not at all, such as to keep its answer.

    Raises:
        NotFound: the id is another account's.
        AddressTaken: another team has the name.
        Invalid: a member is not a living user of the account.
    """
    async with database.account(caller.account_id) as tenant:
        await begin_change(tenant, caller)
        wanted = decide(await living_team(tenant, team_id))
        await _must_be_free(tenant, team_id, wanted.name)
        await _write_team(tenant, team_id, wanted)
        await _write_members(tenant, team_id, wanted.members)
        team = await living_team(tenant, team_id)
        assert team is not None  # noqa: S101 - it has just been written in this transaction
        if keep is not None:
            await keep(tenant, team)
        return team


async def _must_be_free(tenant: Tenant, team_id: UUID, name: str) -> None:
    query = _teams(tenant).where(func.lower(TeamRow.name) == func.lower(name))
    if (await tenant.connection.execute(query.where(TeamRow.id != team_id))).first() is not None:
        raise AddressTaken("Another group has this displayName.")


async def _write_team(tenant: Tenant, team_id: UUID, wanted: WantedTeam) -> None:
    values = {"name": wanted.name, "external_id": wanted.external_id, "deleted_at": None}
    statement = insert(TeamRow).values(id=team_id, account_id=tenant.account_id, **values)
    statement = statement.on_conflict_do_update(
        index_elements=["id"], set_=values, where=TeamRow.account_id == tenant.account_id
    )
    if (await tenant.connection.execute(statement)).rowcount != 1:
        raise NotFound("There is no such group.")


async def _write_members(tenant: Tenant, team_id: UUID, members: frozenset[UUID]) -> None:
    """Who is in one team is in no other."""
    own = UserRow.account_id == tenant.account_id
    await tenant.connection.execute(
        update(UserRow)
        .where(own, UserRow.team_id == team_id, UserRow.id.not_in(members))
        .values(team_id=None)
    )
    moved = await tenant.connection.execute(
        update(UserRow)
        .where(own, UserRow.id.in_(members), UserRow.deleted_at.is_(None))
        .values(team_id=team_id)
    )
    if moved.rowcount != len(members):
        raise Invalid("members: there is no such user.", errors=[])
