"""Who of an account may still read: for open streams and for presence."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from handoff.database.gate import Tenant
from handoff.database.people import LIVING
from handoff.database.tables import UserRow


async def living_names(tenant: Tenant, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Those of these users who are active members of the account at this moment, by name."""
    query = tenant.select(UserRow, UserRow.id, UserRow.name).where(
        UserRow.id.in_(set(user_ids)), *LIVING
    )
    return {row.id: row.name for row in (await tenant.connection.execute(query)).all()}


async def signed_out(tenant: Tenant, user_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When the last sign-in of these users ended, of those who had one that did."""
    query = tenant.select(UserRow, UserRow.id, UserRow.signed_out_at).where(
        UserRow.id.in_(set(user_ids)), UserRow.signed_out_at.is_not(None)
    )
    return {row.id: row.signed_out_at for row in (await tenant.connection.execute(query)).all()}
