"""Brings accounts, teams and users in from a file. Idempotent by id: a repeat changes nothing."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.contract import Role
from handoff.database import Database
from handoff.database.tables import AccountRow, TeamRow, UserRow

EMAIL = r"^[^@\s<>]+@[^@\s<>]+$"


def _one_line(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError("must be one line that can be read")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Address = Annotated[str, Field(pattern=EMAIL, max_length=254), AfterValidator(_one_line)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TeamEntry(_Entry):
    """A team, as the file has it."""

    id: UUID
    name: Name


class UserEntry(_Entry):
    """A user, as the file has them."""

    id: UUID
    email: Address
    name: Name
    role: Role
    team_id: UUID | None = None
    is_active: bool = True
    deleted_at: datetime | None = None


class AccountEntry(_Entry):
    """An account with everybody in it."""

    id: UUID
    name: Name
    teams: list[TeamEntry] = []
    users: list[UserEntry] = []


class Directory(_Entry):
    """The whole file."""

    accounts: list[AccountEntry]


async def bring_in(database: Database, directory: Directory) -> None:
    """All or nothing: one fault in the file, and nothing is changed."""
    async with database.engine_room() as connection:
        for account in directory.accounts:
            await _upsert(connection, AccountRow, [{"id": account.id, "name": account.name}])
            owned = {"account_id": account.id}
            await _upsert(
                connection, TeamRow, [team.model_dump() | owned for team in account.teams]
            )
            await _upsert(
                connection, UserRow, [user.model_dump() | owned for user in account.users]
            )


async def _upsert(
    connection: AsyncConnection, table: type[Any], rows: list[dict[str, Any]]
) -> None:
    """An id that another account has stays where it is."""
    if not rows:
        return
    statement = insert(table)
    changed = {
        name: statement.excluded[name] for name in rows[0] if name not in ("id", "account_id")
    }
    own = None if table is AccountRow else table.account_id == statement.excluded.account_id
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_=changed, where=own), rows
    )
