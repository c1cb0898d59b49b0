"""The account's people, as admins keep them: found, listed, put and deleted.

A change that takes somebody's right to hold a handoff gives back what they have claimed, in the
same transaction: an escalation must not hang on a person who is gone.
"""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.people import Actor
from handoff.contract.words import Role, UserKind
from handoff.database import outages, people, sessions
from handoff.database.directory import departures
from handoff.database.directory.departures import begin_change
from handoff.database.directory.sign_ins import bind_by_scim
from handoff.database.gate import Database, Tenant
from handoff.database.handoffs.transitions import Changed
from handoff.database.tables import UserRow
from handoff.errors import AddressTaken, Invalid, NotFound
from handoff.rules.directory import Standing, must_be_allowed


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A user as the directory has them."""

    id: UUID
    email: str
    name: str
    role: Role
    team_id: UUID | None
    is_active: bool
    deleted_at: datetime | None
    kind: UserKind = UserKind.PERSON
    external_id: str | None = None

    @property
    def standing(self) -> Standing:
        """What gives them their rights."""
        return Standing(
            self.email,
            self.role,
            self.is_active and self.deleted_at is None,
            external_id=self.external_id,
            is_deleted=self.deleted_at is not None,
        )


@dataclass(frozen=True, slots=True)
class KnownUser(DirectoryUser):
    """The same with what the account's identity provider calls them, where it has said so.

    `user_name` None: their address. `profile` is of the provider's own shape; SCIM reads it.
    """

    user_name: str | None = None
    profile: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class WantedUser:
    """What a user is to be. `kind` None: what they are; somebody new is a person."""

    email: str
    name: str
    role: Role
    team_id: UUID | None
    is_active: bool
    kind: UserKind | None = None
    external_id: str | None = None
    user_name: str | None = None
    profile: dict[str, Any] | None = None

    @property
    def standing(self) -> Standing:
        """What will give them their rights."""
        return Standing(
            self.email,
            self.role,
            self.is_active,
            external_id=self.external_id,
        )

    @property
    def columns(self) -> dict[str, Any]:
        """What is stored of it. What kind of user somebody is, is said once."""
        values = asdict(self)
        values.pop("kind")
        return values


@dataclass(frozen=True, slots=True)
class Put:
    """The user as they are now, and the handoffs that went back to the queue."""

    user: DirectoryUser
    created: bool
    released: list[Changed]


def _users(tenant: Tenant) -> Select[Any]:
    return tenant.select(
        UserRow,
        UserRow.id,
        UserRow.email,
        UserRow.name,
        UserRow.role,
        UserRow.team_id,
        UserRow.is_active,
        UserRow.deleted_at,
        UserRow.kind,
        UserRow.external_id,
    )


async def users(
    tenant: Tenant, *, search: str | None, include_deleted: bool, after: UUID | None, limit: int
) -> list[DirectoryUser]:
    """A page of the account's users, in the order of their ids."""
    query = _users(tenant).order_by(UserRow.id).limit(limit)
    if search:
        columns = (UserRow.name, UserRow.email)
        query = query.where(or_(*(column.icontains(search, autoescape=True) for column in columns)))
    if not include_deleted:
        query = query.where(UserRow.deleted_at.is_(None))
    if after is not None:
        query = query.where(UserRow.id > after)
    rows = (await tenant.connection.execute(query)).all()
    return [DirectoryUser(**row._mapping) for row in rows]


async def find_user(tenant: Tenant, user_id: UUID) -> DirectoryUser | None:
    """A user of the account, deleted or not, or None: unknown and foreign look alike."""
    row = (await tenant.connection.execute(_users(tenant).where(UserRow.id == user_id))).first()
    return None if row is None else DirectoryUser(**row._mapping)


async def _known(tenant: Tenant, user_id: UUID) -> KnownUser | None:
    query = _users(tenant).add_columns(UserRow.user_name, UserRow.profile)
    row = (await tenant.connection.execute(query.where(UserRow.id == user_id))).first()
    return None if row is None else KnownUser(**row._mapping)


async def put_user(database: Database, caller: Actor, user_id: UUID, wanted: WantedUser) -> Put:
    """Makes the user what is wanted: a new one, a changed one, or a deleted one brought back.

    Raises:
        NotFound: the id is another account's.
        Forbidden, LastOwner: what the rules say.
        AddressTaken, Invalid: another user has the address; there is no such team.
    """

    def decide(before: KnownUser | None) -> WantedUser:
        if before is None:
            return wanted
        return replace(
            wanted,
            external_id=before.external_id,
            user_name=before.user_name,
            profile=before.profile,
        )

    return await change_user(database, caller, user_id, decide)


@outages.tried_again
async def change_user(
    database: Database,
    caller: Actor,
    user_id: UUID,
    decide: Callable[[KnownUser | None], WantedUser],
    *,
    binds_to: str | None = None,
    keep: Callable[[Tenant], Awaitable[None]] | None = None,
) -> Put:
    """The same for whoever changes a part: `decide` sees the user once nobody else changes them.

    `binds_to`: the issuer at which their external id is from now on how they sign in. `keep`: what
    is done with the change or not at all, such as to keep its answer.
    """
    async with database.account(caller.account_id) as tenant:
        actor = await begin_change(tenant, caller)
        before = await _known(tenant, user_id)
        wanted = decide(before)
        await _check(tenant, actor, user_id, before, wanted.standing)
        _must_stay(before, wanted)
        await _must_fit(tenant, user_id, wanted)
        if before is None:
            await _insert(tenant, user_id, wanted)
        else:
            await _update(tenant, user_id, {**wanted.columns, "deleted_at": None})
        if binds_to is not None and wanted.kind is not UserKind.SERVICE:
            await bind_by_scim(tenant, user_id, wanted.external_id, issuer=binds_to)
        released = await _after(tenant, actor, user_id, before, wanted.standing)
        user = await find_user(tenant, user_id)
        assert user is not None  # noqa: S101 - it has just been written in this transaction
        if keep is not None:
            await keep(tenant)
        return Put(user, created=before is None, released=released)


@outages.tried_again
async def delete_user(database: Database, caller: Actor, user_id: UUID) -> list[Changed]:
    """Soft: history keeps their name. Twice is once. Answers with what went back to the queue.

    Raises:
        NotFound: unknown, or another account's.
        Forbidden, LastOwner: what the rules say.
    """
    async with database.account(caller.account_id) as tenant:
        actor = await begin_change(tenant, caller)
        before = await find_user(tenant, user_id)
        if before is None:
            raise NotFound("There is no such user.")
        if before.deleted_at is not None:
            return []
        gone = replace(before.standing, is_active=False, is_deleted=True)
        await _check(tenant, actor, user_id, before, gone)
        await _update(tenant, user_id, {"deleted_at": func.clock_timestamp()})
        return await _after(tenant, actor, user_id, before, gone, deleted=True)


async def _check(
    tenant: Tenant, actor: Actor, user_id: UUID, before: DirectoryUser | None, after: Standing
) -> None:
    owners = tenant.select(UserRow, func.count()).where(
        UserRow.id != user_id,
        UserRow.role == Role.OWNER,
        # Not a program's: nobody could sign in as the owner who is left.
        *people.PEOPLE,
    )
    others: int = (await tenant.connection.execute(owners)).scalar_one()
    must_be_allowed(actor, before.standing if before else None, after, other_owners=others)


def _must_stay(before: DirectoryUser | None, wanted: WantedUser) -> None:
    """Else a person would become a program's user, whose yes to a token nobody asks for."""
    if before is not None and wanted.kind not in (None, before.kind):
        fault = {"path": "body/kind", "message": "cannot be changed", "type": "kind"}
        raise Invalid("A person stays a person. Make another user.", errors=[fault])


async def _must_fit(tenant: Tenant, user_id: UUID, wanted: WantedUser) -> None:
    if wanted.team_id is not None and await sessions.team_name(tenant, wanted.team_id) is None:
        fault = {"path": "body/team_id", "message": "no such team", "type": "unknown_team"}
        raise Invalid("Mend body/team_id and send it again.", errors=[fault])
    others = tenant.select(UserRow, UserRow.id).where(
        UserRow.id != user_id, UserRow.deleted_at.is_(None)
    )
    same_address = func.lower(UserRow.email) == func.lower(wanted.email)
    if await tenant.connection.scalar(others.where(same_address)) is not None:
        raise AddressTaken("Another user has this address. Take it from them first.")
    called = func.lower(wanted.user_name or wanted.email)
    same_name = func.lower(func.coalesce(UserRow.user_name, UserRow.email)) == called
    if await tenant.connection.scalar(others.where(same_name)) is not None:
        raise AddressTaken("Another user has this userName. Take it from them first.")


async def _insert(tenant: Tenant, user_id: UUID, wanted: WantedUser) -> None:
    kind = wanted.kind or UserKind.PERSON
    own = {"id": user_id, "account_id": tenant.account_id, "kind": kind}
    values = {**wanted.columns, **own}
    statement = insert(UserRow).values(**values).on_conflict_do_nothing(index_elements=["id"])
    if (await tenant.connection.execute(statement)).rowcount != 1:
        raise NotFound("There is no such user.")


async def _update(tenant: Tenant, user_id: UUID, values: dict[str, Any]) -> None:
    await tenant.connection.execute(
        update(UserRow)
        .where(UserRow.account_id == tenant.account_id, UserRow.id == user_id)
        .values(**values)
    )


async def _after(
    tenant: Tenant,
    actor: Actor,
    user_id: UUID,
    before: DirectoryUser | None,
    after: Standing,
    *,
    deleted: bool = False,
) -> list[Changed]:
    if before is None or after.can_hold:
        return []
    what = "was deleted" if deleted else "is a viewer now" if after.is_active else "was deactivated"
    return await departures.release_claims(
        tenant, actor, user_id, reason=f"{before.name} {what} and can no longer hold it"
    )
