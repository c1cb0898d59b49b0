"""The places of an account that channels reach, and whom a round calls there."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, ColumnElement, Select, insert, or_, union_all

from handoff.contract.messages import SealedCallback
from handoff.contract.people import Endpoint
from handoff.database import deliveries
from handoff.database.gate import Gate, Tenant
from handoff.database.tables import DeliveryRow, EndpointRow, HandoffRow, PostRow
from handoff.rules.channels import CALLBACK, named_by_policies

SHOWN = (EndpointRow.id, EndpointRow.name, EndpointRow.channel, EndpointRow.team_id)


def enabled() -> ColumnElement[bool]:
    """Whether anything may still go there."""
    return EndpointRow.disabled_at.is_(None)


def _of_account(gate: Gate) -> Select[Any]:
    return gate.select(EndpointRow, *SHOWN).where(enabled())


async def of_account(tenant: Tenant) -> tuple[Endpoint, ...]:
    """All that a policy may reach."""
    places = _of_account(tenant).where(EndpointRow.channel.in_([*named_by_policies()]))
    rows = (await tenant.connection.execute(places.order_by(EndpointRow.id))).all()
    return tuple(Endpoint(**row._mapping) for row in rows)


def called(
    gate: Gate, channels: Sequence[str], team_id: UUID | BindParameter[UUID] | None
) -> Select[Any]:
    """Where a call by these channels may go: the team's own places, and those of no team."""
    near = EndpointRow.team_id.is_(None) | (EndpointRow.team_id == team_id)
    return _of_account(gate).where(EndpointRow.channel.in_(channels), near)


def told(gate: Gate, channels: Sequence[str], handoff: BindParameter[UUID]) -> Select[Any]:
    """Those that have been, or may have been, told of this handoff, and its callback."""
    called = deliveries.told_one_by_one(gate, handoff, who=DeliveryRow.endpoint_id)
    shown = gate.select(PostRow, PostRow.endpoint_id).where(
        PostRow.handoff_id == handoff,
        or_(PostRow.reference.is_not(None), PostRow.asked_at.is_not(None)),
    )
    # A callback bears its handoff's id.
    itself = gate.select(HandoffRow, HandoffRow.id).where(HandoffRow.id == handoff)
    concerned = EndpointRow.id.in_(union_all(called, shown, itself))
    return _of_account(gate).where(EndpointRow.channel.in_(channels), concerned)


async def keep_callback(tenant: Tenant, handoff_id: UUID, callback: SealedCallback) -> None:
    """The place that hears how this handoff ends: it bears the handoff's own id."""
    place = {"id": handoff_id, "name": callback.host, "address": callback.sealed}
    statement = insert(EndpointRow).values(
        account_id=tenant.account_id, channel=CALLBACK.name, **place
    )
    await tenant.connection.execute(statement)
