"""API tokens: made, found by what they show, listed, revoked. Their secrets are never stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.people import Actor, Person
from handoff.contract.words import TokenScope
from handoff.database import clock, people
from handoff.database.gate import Database, Tenant
from handoff.database.tables import ApiTokenRow, UserRow
from handoff.database.token_rights import unended
from handoff.errors import Conflict, Invalid, NotFound
from handoff.rules.directory import must_lead, must_not_outrank
from handoff.rules.times import must_lie_ahead


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as admins see it."""

    id: UUID
    name: str
    scopes: list[TokenScope]
    acts_as: Person
    created_at: datetime
    created_by: Person
    agreed_at: datetime | None
    """When its person said yes; before, it is good for nothing."""
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class WantedToken:
    """A token to be made. `prefix` finds it, `digest` proves it."""

    id: UUID
    name: str
    scopes: Sequence[TokenScope]
    acts_as: UUID
    expires_at: datetime | None
    prefix: str
    digest: bytes


async def make(database: Database, caller: Actor, wanted: WantedToken) -> ApiToken:
    """A new token. Asked again for the same id it gets a new secret, unless it was used.

    Raises:
        Forbidden: only admins and owners; and only for an owner by an owner.
        Invalid: there is no such living user to act as; or it would have expired already.
        Conflict: the token was made and used already.
    """
    async with database.account(caller.account_id) as tenant:
        actor = await people.act_as(tenant, caller)
        must_lead(actor)
        if wanted.expires_at is not None:
            now = await clock.present(tenant.connection)
            must_lie_ahead(wanted.expires_at, now, name="expires_at")
        named = await people.find_living(tenant, wanted.acts_as)
        if named is None:
            fault = {"path": "body/user_id", "message": "no such user", "type": "unknown_user"}
            raise Invalid("`user_id` must be an active user of this account.", errors=[fault])
        must_not_outrank(actor, named.role)
        # A person's yes is their own; a program's user has nobody to give one.
        agreed = named.id == actor.id or await people.is_service(tenant, named.id)
        await _insert(tenant, actor, wanted, agreed=agreed)
        found = await find_token(tenant, wanted.id)
        assert found is not None  # noqa: S101 - it has just been written in this transaction
        return found


async def _insert(tenant: Tenant, actor: Actor, wanted: WantedToken, *, agreed: bool) -> None:
    statement = insert(ApiTokenRow).values(
        id=wanted.id,
        account_id=tenant.account_id,
        user_id=wanted.acts_as,
        name=wanted.name,
        scopes=[scope.value for scope in wanted.scopes],
        prefix=wanted.prefix,
        digest=wanted.digest,
        created_by_id=actor.id,
        agreed_at=func.clock_timestamp() if agreed else None,
        expires_at=wanted.expires_at,
    )
    statement = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"prefix": wanted.prefix, "digest": wanted.digest},
        where=(ApiTokenRow.account_id == tenant.account_id) & ApiTokenRow.last_used_at.is_(None),
    )
    if (await tenant.connection.execute(statement)).rowcount != 1:
        raise Conflict("This token was made already, and is used. Make another one.")


def _tokens(tenant: Tenant) -> Select[Any]:
    maker = UserRow.__table__.alias("maker")
    return (
        tenant.select(
            ApiTokenRow,
            ApiTokenRow.id,
            ApiTokenRow.name,
            ApiTokenRow.scopes,
            ApiTokenRow.created_at,
            ApiTokenRow.agreed_at,
            ApiTokenRow.expires_at,
            ApiTokenRow.last_used_at,
            ApiTokenRow.revoked_at,
            ApiTokenRow.user_id,
            UserRow.name.label("user_name"),
            ApiTokenRow.created_by_id,
            maker.c.name.label("maker_name"),
        )
        .join(UserRow, UserRow.id == ApiTokenRow.user_id)
        .join(maker, maker.c.id == ApiTokenRow.created_by_id)
    )


def _view(row: Any) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        scopes=[TokenScope(scope) for scope in row.scopes],
        acts_as=Person(row.user_id, row.user_name),
        created_at=row.created_at,
        created_by=Person(row.created_by_id, row.maker_name),
        agreed_at=row.agreed_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


async def find_token(tenant: Tenant, token_id: UUID) -> ApiToken | None:
    """A token of the account, or None: unknown and foreign look alike."""
    query = _tokens(tenant).where(ApiTokenRow.id == token_id)
    row = (await tenant.connection.execute(query)).one_or_none()
    return None if row is None else _view(row)


async def newest_tokens(
    tenant: Tenant, *, limit: int, before: UUID | None = None, acts_as: UUID | None = None
) -> list[ApiToken]:
    """The account's tokens, or those that act as one person; newest first, revoked ones too."""
    query = _tokens(tenant).order_by(ApiTokenRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(ApiTokenRow.id < before)
    if acts_as is not None:
        query = query.where(ApiTokenRow.user_id == acts_as)
    return [_view(row) for row in (await tenant.connection.execute(query)).all()]


async def agree(tenant: Tenant, caller: Actor, token_id: UUID) -> ApiToken:
    """Its person's yes: from now on it acts in their name.

    Raises:
        NotFound: there is no such token that is to act as them, or it has ended.
    """
    actor = await people.act_as(tenant, caller)
    agreed = await tenant.connection.execute(
        update(ApiTokenRow)
        .where(_is(tenant, token_id), ApiTokenRow.user_id == actor.id, *unended())
        .values(agreed_at=func.coalesce(ApiTokenRow.agreed_at, func.clock_timestamp()))
    )
    found = await find_token(tenant, token_id) if agreed.rowcount == 1 else None
    if found is None:
        raise _unknown()
    return found


async def revoke(tenant: Tenant, caller: Actor, token_id: UUID, *, own: bool = False) -> None:
    """From now on it is nobody's. Twice is once.

    Whoever leads the account may, and its person (`own`).

    Raises:
        NotFound: there is no such token, or it is none of theirs.
        Forbidden: what the rules say.
    """
    actor = await people.act_as(tenant, caller)
    acts_as = tenant.select(ApiTokenRow, ApiTokenRow.user_id).where(_is(tenant, token_id))
    person_id = await tenant.connection.scalar(acts_as)
    if person_id is None or (own and person_id != actor.id):
        raise _unknown()
    if not own:
        must_lead(actor)
    await tenant.connection.execute(
        update(ApiTokenRow)
        .where(_is(tenant, token_id), ApiTokenRow.revoked_at.is_(None))
        .values(revoked_at=func.clock_timestamp(), revoked_by_id=actor.id)
    )


def _is(tenant: Tenant, token_id: UUID) -> ColumnElement[bool]:
    return and_(ApiTokenRow.account_id == tenant.account_id, ApiTokenRow.id == token_id)


def _unknown() -> NotFound:
    return NotFound("There is no such token.")
