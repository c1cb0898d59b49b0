"""Whom a token shows, at each use: its person as it may act for them, and whether it still may.

How tokens are made, agreed to and revoked lives in `api_tokens`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from handoff.contract.people import Actor
from handoff.contract.words import TokenScope
from handoff.database.gate import Tenant
from handoff.database.people import ACTOR, LIVING
from handoff.database.tables import ApiTokenRow, UserRow
from handoff.database.token_rights import MAKER, OF_MAKER, capped, unended

TOUCHED_EVERY = timedelta(minutes=1)
"""`last_used_at` is written this often at most: it tells days, not requests."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What a prefix stands for at this moment: a living user, and what the token may do.

    Only with a maker who is living, too, and with no more rights than theirs.
    """

    actor: Actor
    scopes: frozenset[TokenScope]
    digest: bytes
    is_stale: bool
    is_agreed: bool


async def find_holder(connection: AsyncConnection, prefix: str) -> Holder | None:
    """Whom the token acts as. Like any identity, it does not know its account yet."""
    stale = func.coalesce(ApiTokenRow.last_used_at, ApiTokenRow.created_at)
    query = (
        select(
            *ACTOR,
            ApiTokenRow.id.label("token_id"),
            ApiTokenRow.name.label("token_name"),
            MAKER.c.role.label("maker_role"),
            ApiTokenRow.scopes,
            ApiTokenRow.digest,
            ApiTokenRow.agreed_at,
            or_(
                ApiTokenRow.last_used_at.is_(None), stale < func.clock_timestamp() - TOUCHED_EVERY
            ).label("is_stale"),
        )
        .join(UserRow, UserRow.id == ApiTokenRow.user_id)
        .join(MAKER, OF_MAKER)
        .where(ApiTokenRow.prefix == prefix, *unended(), *LIVING)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    person = Actor(**{column.key: getattr(row, column.key) for column in ACTOR})
    return Holder(
        capped(person, token_id=row.token_id, name=row.token_name, maker=row.maker_role),
        frozenset(TokenScope(scope) for scope in row.scopes),
        row.digest,
        is_stale=row.is_stale,
        is_agreed=row.agreed_at is not None,
    )


async def touch(tenant: Tenant, token_id: UUID) -> None:
    """It has been used."""
    await tenant.connection.execute(
        update(ApiTokenRow)
        .where(ApiTokenRow.account_id == tenant.account_id, ApiTokenRow.id == token_id)
        .values(last_used_at=func.clock_timestamp())
    )


async def good(tenant: Tenant, token_ids: Iterable[UUID]) -> set[UUID]:
    """Those of these tokens that still are: for open streams."""
    query = (
        tenant.select(ApiTokenRow, ApiTokenRow.id)
        .join(MAKER, OF_MAKER)
        .where(ApiTokenRow.id.in_(set(token_ids)), ApiTokenRow.agreed_at.is_not(None), *unended())
    )
    return set((await tenant.connection.scalars(query)).all())
