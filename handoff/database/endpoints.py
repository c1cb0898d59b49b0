"""The places of an account that channels reach, and whom a round calls there."""

from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, insert

from handoff.contract.messages import SealedCallback
from handoff.contract.people import Endpoint
from handoff.database.gate import ANY, Gate, Tenant
from handoff.database.tables import EndpointRow
from handoff.rules.channels import CALLBACK, named_by_policies

_SHOWN = (EndpointRow.id, EndpointRow.name, EndpointRow.channel, EndpointRow.team_id)


def enabled() -> ColumnElement[bool]:
    """Whether anything may still go there."""
    return EndpointRow.disabled_at.is_(None)


def _of_account(gate: Gate) -> Select[Any]:
    return gate.select(EndpointRow, *_SHOWN).where(enabled()).order_by(EndpointRow.id)


async def of_account(tenant: Tenant) -> tuple[Endpoint, ...]:
    """All that a policy may reach."""
    places = _of_account(tenant).where(EndpointRow.channel.in_([*named_by_policies()]))
    rows = (await tenant.connection.execute(places)).all()
    return tuple(Endpoint(**row._mapping) for row in rows)


async def called(tenant: Tenant, channel: str, team_id: UUID | None) -> list[Endpoint]:
    """Where a call by this channel goes: the team's own places, else those of no team."""
    found = (await tenant.run(_called(), channel=channel, team=team_id)).all()
    places = [Endpoint(**row._mapping) for row in found]
    own = [place for place in places if place.team_id == team_id]
    return own or [place for place in places if place.team_id is None]


async def keep_callback(tenant: Tenant, handoff_id: UUID, callback: SealedCallback) -> None:
    """The place that hears how this handoff ends: it bears the handoff's own id."""
    place = {"id": handoff_id, "name": callback.host, "address": callback.sealed}
    statement = insert(EndpointRow).values(
        account_id=tenant.account_id, channel=CALLBACK.name, **place
    )
    await tenant.connection.execute(statement)


async def has_callback(tenant: Tenant, handoff_id: UUID) -> bool:
    """Whether a program wants to hear how it ends."""
    query = tenant.select(EndpointRow, EndpointRow.id).where(
        EndpointRow.id == handoff_id, EndpointRow.channel == CALLBACK.name
    )
    return await tenant.connection.scalar(query) is not None


@cache
def _called() -> Select[Any]:
    near = EndpointRow.team_id.is_(None) | (EndpointRow.team_id == bindparam("team"))
    return _of_account(ANY).where(EndpointRow.channel == bindparam("channel"), near)
