"""What an API token is worth at this moment: no more than its maker and its person are.

Asked at each use, in the transaction of each change, and for open streams again and again. The
token falls with either of the two, and is nothing before its person has agreed to it.
"""

from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, or_

from handoff.contract.people import Actor
from handoff.contract.words import Role
from handoff.database.gate import ANY, Tenant
from handoff.database.tables import ApiTokenRow, UserRow
from handoff.rules.roles import lower

MAKER = UserRow.__table__.alias("maker")

OF_MAKER = and_(
    MAKER.c.account_id == ApiTokenRow.account_id,
    MAKER.c.id == ApiTokenRow.created_by_id,
    MAKER.c.is_active.is_(True),
    MAKER.c.deleted_at.is_(None),
)
"""The join with a maker who is still there."""


def unended() -> tuple[ColumnElement[bool], ...]:
    """Neither revoked nor expired."""
    return (
        ApiTokenRow.revoked_at.is_(None),
        or_(ApiTokenRow.expires_at.is_(None), ApiTokenRow.expires_at > func.clock_timestamp()),
    )


def capped(actor: Actor, *, token_id: UUID, name: str, maker: Role) -> Actor:
    """The person as the token may act in their name."""
    role = lower(actor.role, maker)
    return replace(actor, role=role, token_id=token_id, token_name=name)


async def by_token(tenant: Tenant, actor: Actor, token_id: UUID | None) -> Actor | None:
    """The person as the token may act at this moment, until the transaction ends.

    None when it may not any more. Without a token it is the person themselves.
    """
    if token_id is None:
        return actor
    row = (await tenant.run(_standing(), token=token_id, person=actor.id)).one_or_none()
    if row is None:
        return None
    return capped(actor, token_id=token_id, name=row.name, maker=row.role)


@cache
def _standing() -> Select[Any]:
    query = ANY.select(ApiTokenRow, ApiTokenRow.name, MAKER.c.role).join(MAKER, OF_MAKER)
    query = query.where(
        ApiTokenRow.id == bindparam("token"),
        ApiTokenRow.user_id == bindparam("person"),
        ApiTokenRow.agreed_at.is_not(None),
        *unended(),
    )
    return query.with_for_update(read=True)
