"""What a user reads and sets of their own: who they are, and how they want to be told."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, update

from handoff.contract.words import Role
from handoff.database.gate import Tenant
from handoff.database.people import LIVING
from handoff.database.tables import AccountRow, TeamRow, UserRow
from handoff.errors import Unauthenticated
from handoff.rules.attention import Choices, choices_from_json


@dataclass(frozen=True, slots=True)
class Named:
    """An account or a team, by the name that people know it by."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A user, as they see themselves."""

    id: UUID
    name: str
    email: str
    role: Role
    account: Named
    team: Named | None


async def profile(tenant: Tenant, user_id: UUID) -> Profile:
    """Who a user of the account is.

    Raises:
        Unauthenticated: they are gone.
    """
    team_of_user = and_(TeamRow.account_id == UserRow.account_id, TeamRow.id == UserRow.team_id)
    query = (
        tenant.select(
            UserRow,
            UserRow.id,
            UserRow.name,
            UserRow.email,
            UserRow.role,
            AccountRow.id.label("account_id"),
            AccountRow.name.label("account_name"),
            TeamRow.id.label("team_id"),
            TeamRow.name.label("team_name"),
        )
        .join(AccountRow, AccountRow.id == UserRow.account_id)
        .outerjoin(TeamRow, team_of_user)
        .where(UserRow.id == user_id, *LIVING)
    )
    row = (await tenant.connection.execute(query)).first()
    if row is None:
        raise _gone()
    return Profile(
        id=row.id,
        name=row.name,
        email=row.email,
        role=row.role,
        account=Named(row.account_id, row.account_name),
        team=Named(row.team_id, row.team_name) if row.team_id else None,
    )


def _gone() -> Unauthenticated:
    return Unauthenticated("This account is no longer active.")


async def choices(tenant: Tenant, user_id: UUID) -> Choices:
    """How a user of the account wants to be told.

    Raises:
        Unauthenticated: they are gone.
    """
    query = tenant.select(UserRow, UserRow.notifications).where(UserRow.id == user_id, *LIVING)
    row = (await tenant.connection.execute(query)).first()
    if row is None:
        raise _gone()
    return choices_from_json(row.notifications)


async def keep_choices(tenant: Tenant, user_id: UUID, stored: dict[str, Any]) -> None:
    """Sets them, in the form that `choices_from_json` reads.

    Raises:
        Unauthenticated: they are gone.
    """
    written = await tenant.connection.execute(
        update(UserRow)
        .where(UserRow.account_id == tenant.account_id, UserRow.id == user_id, *LIVING)
        .values(notifications=stored)
    )
    if written.rowcount != 1:
        raise _gone()
