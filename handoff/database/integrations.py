"""The chats that an account has connected: their secrets, and the places that each reaches.

Both are as the key ring sealed them: an address may be all that it takes to write there.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, func, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from handoff import sealing
from handoff.database.gate import Tenant
from handoff.database.tables import EndpointRow, IntegrationRow
from handoff.ids import new_id
from handoff.sealing import Unsealable
from handoff.temporal.key_ring import KeyRing


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel reaches the account, or one of its teams. `address` is the channel's own."""

    address: str = field(repr=False)
    name: str
    team_id: UUID | None = None

    @property
    def shown(self) -> str:
        """What of its address is no secret: a query is what lets us in."""
        return urlsplit(self.address)._replace(query="").geturl()


@dataclass(frozen=True, slots=True)
class Integration:
    """A connected chat, with its places as they are enabled."""

    places: tuple[Place, ...]
    changed_at: datetime


async def find(tenant: Tenant, channel: str, keyring: KeyRing) -> Integration | None:
    """The connected chat, or None. Of a place whose key is gone, the address is empty."""
    query = tenant.select(IntegrationRow, IntegrationRow.changed_at)
    connected = query.where(IntegrationRow.channel == channel)
    changed_at = await tenant.connection.scalar(connected)
    if changed_at is None:
        return None
    of_channel = tenant.select(
        EndpointRow, EndpointRow.address, EndpointRow.name, EndpointRow.team_id
    ).where(EndpointRow.channel == channel, EndpointRow.disabled_at.is_(None))
    rows = (await tenant.connection.execute(of_channel.order_by(EndpointRow.id))).all()
    places = []
    for row in rows:
        try:
            address = address_of(row.address, keyring, tenant.account_id, channel)
        except Unsealable:
            address = ""
        places.append(Place(address, row.name, row.team_id))
    return Integration(tuple(places), changed_at)


async def secrets_of(tenant: Tenant, channel: str, keyring: KeyRing) -> dict[str, str] | None:
    """Its secrets by name; None where the account has not connected it.

    Raises:
        Unsealable: their key is not in the ring any more.
    """
    query = tenant.select(IntegrationRow, IntegrationRow.secrets)
    sealed = await tenant.connection.scalar(query.where(IntegrationRow.channel == channel))
    if sealed is None:
        return None
    sealed_for = purpose("secrets", tenant.account_id, channel)
    secrets: dict[str, str] = json.loads(sealing.unseal(keyring, sealed, purpose=sealed_for))
    return secrets


def address_of(sealed: str, keyring: KeyRing, account_id: UUID, channel: str) -> str:
    """A place's address.

    Raises:
        Unsealable: its key is not in the ring any more.
    """
    return sealing.unseal(keyring, sealed, purpose=purpose("address", account_id, channel))


async def connect(
    tenant: Tenant,
    channel: str,
    *,
    secrets: Mapping[str, str],
    places: Sequence[Place],
    keyring: KeyRing,
) -> None:
    """Connects it, or replaces how it was. The place of a team keeps its id."""

    def sealed(what: str, secret: str) -> str:
        return sealing.seal(keyring, secret, purpose=purpose(what, tenant.account_id, channel))

    kept = {"secrets": sealed("secrets", json.dumps(dict(secrets)))}
    added = upsert(IntegrationRow).values(account_id=tenant.account_id, channel=channel, **kept)
    await tenant.connection.execute(
        added.on_conflict_do_update(
            index_elements=[IntegrationRow.account_id, IntegrationRow.channel],
            set_=kept | {"changed_at": func.now()},
        )
    )
    await _close_all(tenant, channel)
    for place in places:
        values = {"address": sealed("address", place.address), "name": place.name}
        reopened = await tenant.connection.execute(
            update(EndpointRow)
            .where(
                EndpointRow.account_id == tenant.account_id,
                EndpointRow.channel == channel,
                EndpointRow.team_id.is_not_distinct_from(place.team_id),
            )
            .values(**values, disabled_at=None)
        )
        if not reopened.rowcount:
            await tenant.connection.execute(
                insert(EndpointRow).values(
                    id=new_id(),
                    account_id=tenant.account_id,
                    channel=channel,
                    team_id=place.team_id,
                    **values,
                )
            )


async def disconnect(tenant: Tenant, channel: str) -> bool:
    """Nothing leaves by it any more; whether it was connected. Its secrets are gone."""
    await _close_all(tenant, channel)
    gone = await tenant.connection.execute(
        delete(IntegrationRow).where(
            IntegrationRow.account_id == tenant.account_id, IntegrationRow.channel == channel
        )
    )
    return gone.rowcount > 0


async def _close_all(tenant: Tenant, channel: str) -> None:
    await tenant.connection.execute(
        update(EndpointRow)
        .where(
            EndpointRow.account_id == tenant.account_id,
            EndpointRow.channel == channel,
            EndpointRow.disabled_at.is_(None),
        )
        .values(disabled_at=func.now(), address="")
    )


def purpose(what: str, account_id: UUID, channel: str) -> str:
    """What the `secrets` of a chat, or the `address` of a place, are sealed for."""
    return f"{what} of {channel} of {account_id}"
