"""Users: who somebody is at this moment, and who is to be told."""

from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Executable,
    Select,
    bindparam,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.contract.people import Actor
from handoff.contract.policy import Level, Target
from handoff.contract.words import Role, TargetKind, UserKind
from handoff.database.gate import ANY, Gate, Tenant
from handoff.database.tables import UserRow
from handoff.database.token_rights import by_token
from handoff.errors import Unauthenticated
from handoff.mailboxes import same_as
from handoff.rules.roles import LEADING_ROLES, WORKING_ROLES

ACTOR = (
    UserRow.id,
    UserRow.account_id,
    UserRow.name,
    UserRow.email,
    UserRow.role,
    UserRow.team_id,
)
LIVING = (UserRow.is_active.is_(True), UserRow.deleted_at.is_(None))
PEOPLE = (*LIVING, UserRow.kind == UserKind.PERSON)
"""Those who can be told anything, and can sign in: never a program's user."""


async def find_anywhere(
    connection: AsyncConnection, user_id: UUID, *, since: datetime | None = None
) -> Actor | None:
    """The living user behind a token. The only read that does not know its account yet.

    `since`: when they signed in. By a sign-in that has ended meanwhile they are nobody.
    """
    values = {"user": user_id, "since": since}
    row = (await connection.execute(_identity(), values)).one_or_none()
    return None if row is None else Actor(**row._mapping)


@cache
def _identity() -> Executable:
    since = bindparam("since", type_=DateTime(timezone=True))
    stands = or_(since.is_(None), UserRow.signed_out_at.is_(None), UserRow.signed_out_at < since)
    return select(*ACTOR).where(UserRow.id == bindparam("user"), stands, *LIVING)


async def act_as(tenant: Tenant, caller: Actor) -> Actor:
    """The caller at the time of the act: whoever changes them waits until it is done.

    A program is no more than its token allows at this moment.

    Raises:
        Unauthenticated: they have been deactivated, deleted or moved meanwhile, or their token
            has fallen.
    """
    row = (await tenant.run(_actor(), user=caller.id)).one_or_none()
    actor = None if row is None else await by_token(tenant, Actor(**row._mapping), caller.token_id)
    if actor is None:
        raise Unauthenticated("This account is no longer active.")
    return actor


@cache
def _actor() -> Select[Any]:
    query = ANY.select(UserRow, *ACTOR).where(UserRow.id == bindparam("user"), *LIVING)
    return query.with_for_update(read=True)


async def act_towards(tenant: Tenant, caller: Actor, other_id: UUID) -> tuple[Actor, Actor | None]:
    """The same, and the person whom the act names, who stays as they are until it is done as well;
    None where the account has no such living person.

    Raises:
        Unauthenticated: as `act_as`.
    """
    both = tenant.select(UserRow, UserRow.id).where(UserRow.id.in_((caller.id, other_id)))
    await tenant.connection.execute(both.order_by(UserRow.id).with_for_update(read=True))
    return await act_as(tenant, caller), await find_person(tenant, other_id)


async def find_living(tenant: Tenant, user_id: UUID) -> Actor | None:
    """A living user of the account, or None: unknown and foreign look alike."""
    query = tenant.select(UserRow, *ACTOR).where(UserRow.id == user_id, *LIVING)
    row = (await tenant.connection.execute(query)).one_or_none()
    return None if row is None else Actor(**row._mapping)


async def may_work(tenant: Tenant, caller: Actor) -> bool:
    """Whether the caller is still an engineer, admin or owner: for what takes a while."""
    try:
        return (await act_as(tenant, caller)).role in WORKING_ROLES
    except Unauthenticated:
        return False


async def find_person(tenant: Tenant, user_id: UUID) -> Actor | None:
    """The same, and no program's user."""
    found = await find_living(tenant, user_id)
    return None if found is None or await is_service(tenant, user_id) else found


async def by_address(tenant: Tenant, address: str) -> Actor | None:
    """The living person of the account who reads mail there, or None."""
    same = func.lower(UserRow.email) == same_as(address)
    query = tenant.select(UserRow, *ACTOR).where(same, *PEOPLE)
    row = (await tenant.connection.execute(query)).one_or_none()
    return None if row is None else Actor(**row._mapping)


async def is_service(tenant: Tenant, user_id: UUID) -> bool:
    """Whether it is a program's own user, and nobody's person."""
    query = tenant.select(UserRow, UserRow.kind).where(UserRow.id == user_id)
    return await tenant.connection.scalar(query) is UserKind.SERVICE


def eligible() -> tuple[ColumnElement[bool], ...]:
    """Who may be told of an escalation: living engineers, admins and owners; never viewers, never
    a program's user."""
    return (*PEOPLE, UserRow.role.in_(WORKING_ROLES))


async def leading_ids(tenant: Tenant) -> list[UUID]:
    """The people who lead the account at this moment."""
    query = tenant.select(UserRow, UserRow.id).where(UserRow.role.in_(LEADING_ROLES), *PEOPLE)
    return list((await tenant.connection.scalars(query.order_by(UserRow.id))).all())


def targeted(gate: Gate, level: Level, *, but: UUID) -> Select[Any]:
    """The people whom a level names, chosen afresh, with their notification choices."""
    return gate.select(UserRow, UserRow.id, UserRow.notifications).where(
        *eligible(), UserRow.id != but, or_(*(matches(target) for target in level.targets))
    )


def matches(target: Target) -> ColumnElement[bool]:
    """Whether a user is one whom the target names."""
    match target.kind:
        case TargetKind.ACCOUNT:
            return true()
        case TargetKind.ROLE:
            return UserRow.role == Role(target.value or "")
        case TargetKind.TEAM:
            return UserRow.team_id == UUID(target.value)
        case TargetKind.USER:
            return UserRow.id == UUID(target.value)


async def living_ids(connection: AsyncConnection, wanted: str) -> list[UUID]:
    """The living users with this address or id, over all accounts: for the command line."""
    try:
        same = UserRow.id == UUID(wanted)
    except ValueError:
        same = func.lower(UserRow.email) == same_as(wanted)
    return list((await connection.scalars(select(UserRow.id).where(same, *LIVING))).all())
