"""Policies: the account's own or the default, and the people whom one can name."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from handoff.contract.policy import Policy
from handoff.contract.words import UserKind
from handoff.database import endpoints
from handoff.database.gate import Tenant
from handoff.database.tables import AccountRow, TeamRow, UserRow
from handoff.rules.attention import choices_from_json
from handoff.rules.policy import policy_from_json, policy_to_json
from handoff.rules.roster import Member, Roster


@dataclass(frozen=True, slots=True)
class Current:
    """The policy that a new handoff would copy at this moment."""

    policy: Policy
    is_default: bool


async def current(tenant: Tenant, default: Policy, *, lock: bool = False) -> Current:
    """The account's policy. Locked, it stays as it is until the transaction's end."""
    query = select(AccountRow.policy).where(AccountRow.id == tenant.account_id)
    if lock:
        query = query.with_for_update(key_share=True)
    stored = (await tenant.connection.execute(query)).scalar_one()
    if stored is None:
        return Current(default, is_default=True)
    return Current(policy_from_json(stored), is_default=False)


async def store(tenant: Tenant, policy: Policy | None) -> None:
    """The policy of handoffs to come; None stands for the default."""
    await tenant.connection.execute(
        update(AccountRow)
        .where(AccountRow.id == tenant.account_id)
        .values(policy=None if policy is None else policy_to_json(policy))
    )


async def roster(tenant: Tenant) -> Roster:
    """Everybody of the account who is not deleted, its teams and its endpoints."""
    users = tenant.select(
        UserRow,
        UserRow.id,
        UserRow.name,
        UserRow.role,
        UserRow.team_id,
        UserRow.is_active,
        UserRow.notifications,
    ).where(UserRow.deleted_at.is_(None), UserRow.kind == UserKind.PERSON)
    teams = tenant.select(TeamRow, TeamRow.id).where(TeamRow.deleted_at.is_(None))
    rows = (await tenant.connection.execute(users.order_by(UserRow.id))).all()
    return Roster(
        members={row.id: _member(row) for row in rows},
        teams=frozenset((await tenant.connection.scalars(teams)).all()),
        endpoints=await endpoints.of_account(tenant),
    )


def _member(row: Any) -> Member:
    return Member(
        id=row.id,
        name=row.name,
        role=row.role,
        team_id=row.team_id,
        is_active=row.is_active,
        choices=choices_from_json(row.notifications),
    )
