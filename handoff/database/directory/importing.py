"""Brings accounts, teams and users in from a file. Idempotent by id: a repeat changes nothing."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.contract.words import Role, SubjectKind, UserKind
from handoff.database import outages
from handoff.database.directory import sign_ins
from handoff.database.directory.departures import release_claims, take_turn
from handoff.database.gate import Database, Tenant
from handoff.database.tables import AccountRow, TeamRow, UserRow
from handoff.errors import ImportRefused
from handoff.mailboxes import mailbox, same_as
from handoff.names import one_line
from handoff.rules.roles import WORKING_ROLES

READ_AT_ONCE = 1000

Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(one_line)]
Address = Annotated[str, Field(max_length=254), AfterValidator(mailbox)]


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
    deleted_at: AwareDatetime | None = None
    kind: UserKind = UserKind.PERSON
    external_id: Annotated[str, Field(max_length=255), AfterValidator(one_line)] | None = None
    """The identity provider's own name for them: its `sub`."""

    @property
    def can_hold(self) -> bool:
        """Whether a claim may stay with them."""
        return self.is_active and self.deleted_at is None and self.role in WORKING_ROLES


class AccountEntry(_Entry):
    """An account with everybody in it."""

    id: UUID
    name: Name
    teams: list[TeamEntry] = []
    users: list[UserEntry] = []


class Directory(_Entry):
    """The whole file."""

    accounts: list[AccountEntry]


@outages.tried_again
async def bring_in(database: Database, directory: Directory) -> None:
    """All or nothing: one fault in the file, and nothing is changed.

    What stands there already is only read. What is locked, is locked in the order of everybody
    else (`handoff.database`): the turn at the directory, people, then what they have claimed, and
    the account's counter last, so nobody waits for a long file who does not change the same people.

    Raises:
        ImportRefused: names the place in the file and what does not fit.
    """
    async with database.engine_room() as connection:
        for account_id in sorted({account.id for account in directory.accounts}):
            await take_turn(Tenant(account_id, connection))
        for number, account in enumerate(directory.accounts):
            await _bring_in_one(connection, account, f"accounts/{number}")
        for account in sorted(directory.accounts, key=lambda account: account.id):
            await _give_back(Tenant(account.id, connection), account.users)
        for number, account in enumerate(directory.accounts):
            row = {"id": account.id, "name": account.name}
            await _upsert(connection, AccountRow, [(f"accounts/{number}", row)])


async def _bring_in_one(connection: AsyncConnection, account: AccountEntry, path: str) -> None:
    owned = {"account_id": account.id}
    # Its name comes last: its row is the counter that everybody of the account needs.
    made = insert(AccountRow).values(id=account.id, name=account.name).on_conflict_do_nothing()
    await connection.execute(made)
    teams = [
        (f"{path}/teams/{number}", team.model_dump() | owned)
        for number, team in enumerate(account.teams)
    ]
    await _upsert(connection, TeamRow, teams)
    await _make_way(connection, account)
    users = [
        (f"{path}/users/{number}", _columns(user) | owned)
        for number, user in enumerate(account.users)
    ]
    await _upsert(connection, UserRow, users)
    for user in sorted(account.users, key=lambda user: user.id):
        await _vouch(Tenant(account.id, connection), user)


def _columns(user: UserEntry) -> dict[str, Any]:
    return user.model_dump(exclude={"external_id"} if user.external_id is None else None)


async def _give_back(tenant: Tenant, users: list[UserEntry]) -> None:
    for user in sorted(users, key=lambda user: user.id):
        if not user.can_hold:
            reason = f"{user.name} can no longer hold it"
            await release_claims(tenant, None, user.id, reason=reason)


async def _make_way(connection: AsyncConnection, account: AccountEntry) -> None:
    """Whoever changes their address, or leaves, gives it up first: the file is judged by what it
    makes of everybody, not by the order of its lines. Each line then says whether they are there.
    """
    wanted = {user.id: None if user.deleted_at else same_as(user.email) for user in account.users}
    of_account = UserRow.account_id == account.id
    known = select(UserRow.id, UserRow.email).where(of_account, UserRow.deleted_at.is_(None))
    for row in (await connection.execute(known.order_by(UserRow.id))).all():
        if row.id in wanted and wanted[row.id] != same_as(row.email):
            gone = update(UserRow).where(of_account, UserRow.id == row.id)
            await connection.execute(gone.values(deleted_at=func.clock_timestamp()))


async def _vouch(tenant: Tenant, user: UserEntry) -> None:
    """How they sign in, by the operator's word. As a program's user nobody does, and as somebody
    who has left: their address and their subject may be another's by now."""
    is_person = user.kind is UserKind.PERSON and user.deleted_at is None
    for kind, value in (
        (SubjectKind.ID, str(user.id)),
        (SubjectKind.EMAIL, same_as(user.email)),
        (SubjectKind.SUBJECT, user.external_id),
    ):
        await sign_ins.vouch(tenant, user.id, kind, value if is_person else None)


async def _upsert(
    connection: AsyncConnection, table: type[Any], rows: list[tuple[str, dict[str, Any]]]
) -> None:
    """Those that are new or different, by path, in the order of their ids: who locks several rows
    of a table does it in one order. An id that another account has is complained of."""
    there = await _there(connection, table, [row["id"] for _, row in rows])
    for path, row in sorted(rows, key=lambda one: one[1]["id"]):
        known = there.get(row["id"])
        if known is None or any(known[name] != value for name, value in row.items()):
            await _write(connection, table, row, path)


async def _there(
    connection: AsyncConnection, table: type[Any], ids: list[UUID]
) -> dict[UUID, Mapping[str, Any]]:
    found: dict[UUID, Mapping[str, Any]] = {}
    for start in range(0, len(ids), READ_AT_ONCE):
        some = ids[start : start + READ_AT_ONCE]
        rows = await connection.execute(select(table.__table__).where(table.id.in_(some)))
        found.update({row["id"]: row for row in rows.mappings()})
    return found


async def _write(
    connection: AsyncConnection, table: type[Any], row: dict[str, Any], path: str
) -> None:
    statement = insert(table).values(**row)
    changed = {name: row[name] for name in row if name not in ("id", "account_id")}
    own = None if table is AccountRow else table.account_id == row["account_id"]
    statement = statement.on_conflict_do_update(index_elements=["id"], set_=changed, where=own)
    try:
        written = await connection.scalar(statement.returning(table.id))
    except IntegrityError as fault:
        constraint = getattr(getattr(fault.orig, "__cause__", None), "constraint_name", None)
        raise ImportRefused(f"{path}: {_MISFITS.get(constraint, 'does not fit')}") from None
    if written is None:
        raise ImportRefused(f"{path}: another account has the id {row['id']}")


_MISFITS: dict[str | None, str] = {
    "uq_users_account_id_email": "another living user of the account has this address",
    "uq_users_account_id_user_name": "another living user's directory calls them by this address",
    "fk_users_account_id_team_id": "its team_id names no team of this account",
}
