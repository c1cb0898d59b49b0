"""What an account says about itself: its name, how much leaves by which channel, where callbacks
may go, and what those are signed with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal, select, update
from sqlalchemy.dialects.postgresql import JSONB

from handoff.contract.words import Content
from handoff.database.gate import Tenant
from handoff.database.old_secrets import put_aside, until_when
from handoff.database.tables import AccountRow
from handoff.rules.channels import leaving
from handoff.rules.content import of_channel


@dataclass(frozen=True, slots=True)
class AccountView:
    """The account as its admins see it."""

    name: str
    content: dict[str, Content]
    """How much of a handoff leaves, by channel."""
    callback_hosts: list[str]


async def view(tenant: Tenant) -> AccountView:
    """As it stands."""
    query = select(AccountRow.name, AccountRow.content, AccountRow.callback_hosts).where(
        AccountRow.id == tenant.account_id
    )
    row = (await tenant.connection.execute(query)).one()
    return AccountView(
        name=row.name,
        content={channel.name: of_channel(row.content, channel.name) for channel in leaving()},
        callback_hosts=row.callback_hosts,
    )


async def change(
    tenant: Tenant,
    *,
    name: str | None,
    content: Mapping[str, Content] | None,
    callback_hosts: Sequence[str] | None,
) -> None:
    """What is None stays as it is, and so does a channel that is not named."""
    values: dict[str, Any] = {}
    if name is not None:
        values["name"] = name
    if callback_hosts is not None:
        values["callback_hosts"] = [*callback_hosts]
    if content is not None:
        chosen = {channel: how.value for channel, how in content.items()}
        values["content"] = func.coalesce(AccountRow.content, literal({}, JSONB)).op("||")(chosen)
    if values:
        await _update(tenant, **values)


async def keep_callback_secret(tenant: Tenant, sealed: str) -> None:
    """From now on callbacks are signed with it; for a day with the one before as well."""
    await _update(
        tenant,
        callback_old_secret=put_aside(
            AccountRow.callback_secret,
            AccountRow.callback_old_secret,
            AccountRow.callback_old_secret_until,
        ),
        callback_old_secret_until=until_when(),
        callback_secret=sealed,
    )


async def have_callback_secret(tenant: Tenant, sealed: str) -> None:
    """This one, if there is none yet: every callback is signed, even before anybody verifies."""
    first = update(AccountRow).where(
        AccountRow.id == tenant.account_id, AccountRow.callback_secret.is_(None)
    )
    await tenant.connection.execute(first.values(callback_secret=sealed))


async def callback_hosts(tenant: Tenant) -> list[str]:
    """Where callbacks may go."""
    query = select(AccountRow.callback_hosts).where(AccountRow.id == tenant.account_id)
    found: list[str] = (await tenant.connection.execute(query)).scalar_one()
    return found


async def _update(tenant: Tenant, **values: Any) -> None:
    changed = update(AccountRow).where(AccountRow.id == tenant.account_id).values(values)
    await tenant.connection.execute(changed)


def signing_purpose(account_id: object) -> str:
    """What the secret of an account's callbacks is sealed for."""
    return f"callbacks of {account_id}"
