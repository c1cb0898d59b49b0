"""Over all accounts, for upkeep: the webhooks to be followed, and secrets as they are sealed."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update

from handoff.database.gate import Database
from handoff.database.tables import AccountRow, WebhookRow


@dataclass(frozen=True, slots=True)
class Followed:
    """An endpoint that should have a follower."""

    account_id: UUID
    webhook_id: UUID


@dataclass(frozen=True, slots=True)
class Sealed:
    """A secret as it is kept: whose, and in which column."""

    owner_id: UUID
    column: str
    text: str
    is_account: bool


_COLUMNS = (
    (WebhookRow, "secret"),
    (WebhookRow, "old_secret"),
    (AccountRow, "callback_secret"),
    (AccountRow, "callback_old_secret"),
)


async def webhooks(database: Database) -> list[Followed]:
    """All that are not disabled."""
    query = select(WebhookRow.account_id, WebhookRow.id).where(WebhookRow.disabled_at.is_(None))
    async with database.engine_room() as connection:
        return [Followed(*row) for row in (await connection.execute(query)).all()]


async def secrets(database: Database) -> list[Sealed]:
    """All that are kept."""
    found = []
    async with database.engine_room() as connection:
        for table, name in _COLUMNS:
            column = getattr(table, name)
            rows = await connection.execute(select(table.id, column).where(column.is_not(None)))
            found += [Sealed(row[0], name, row[1], table is AccountRow) for row in rows.all()]
    return found


async def replace(database: Database, kept: Sealed, anew: str) -> int:
    """The same secret, sealed anew, unless somebody has changed it meanwhile; how many it were."""
    table = AccountRow if kept.is_account else WebhookRow
    column = getattr(table, kept.column)
    statement = update(table).where(table.id == kept.owner_id, column == kept.text)
    async with database.engine_room() as connection:
        return (await connection.execute(statement.values({kept.column: anew}))).rowcount
