"""Over all accounts, for upkeep: the webhooks to be followed, and secrets as they are sealed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from handoff.contract.words import LIVING
from handoff.database import integrations
from handoff.database.directory import webhooks as directory
from handoff.database.directory.account import signing_purpose
from handoff.database.gate import Database
from handoff.database.tables import (
    AccountRow,
    EndpointRow,
    EventRow,
    HandoffRow,
    IntegrationRow,
    WebhookAttemptRow,
    WebhookRow,
)
from handoff.rules.channels import CALLBACK
from handoff.sealing import callback_purpose


@dataclass(frozen=True, slots=True)
class Followed:
    """An endpoint that should have a follower."""

    account_id: UUID
    webhook_id: UUID


@dataclass(frozen=True, slots=True)
class Sealed:
    """One or several secrets as a row's column keeps them, and what they were sealed for."""

    purpose: str
    text: str
    column: InstrumentedAttribute[Any]
    row: ColumnElement[bool]


async def webhooks(database: Database) -> list[Followed]:
    """All that are not disabled, or of which nobody was told yet that they are."""
    query = select(WebhookRow.account_id, WebhookRow.id).where(
        WebhookRow.disabled_at.is_(None) | WebhookRow.told_at.is_(None)
    )
    async with database.engine_room() as connection:
        return [Followed(*row) for row in (await connection.execute(query)).all()]


async def silent_webhooks(database: Database, *, grace: timedelta, limit: int) -> list[Followed]:
    """Those that are behind for so long, and due, with no attempt in all that time."""
    late = func.clock_timestamp() - grace
    attempted = (
        select(WebhookAttemptRow.webhook_id)
        .where(WebhookAttemptRow.webhook_id == WebhookRow.id, WebhookAttemptRow.at > late)
        .exists()
    )
    waits = (
        select(EventRow.number)
        .where(
            EventRow.account_id == WebhookRow.account_id,
            EventRow.number > WebhookRow.place,
            EventRow.at < late,
        )
        .exists()
    )
    query = (
        select(WebhookRow.account_id, WebhookRow.id)
        .where(
            WebhookRow.disabled_at.is_(None),
            func.coalesce(WebhookRow.next_try_at, WebhookRow.created_at) < late,
            waits,
            ~attempted,
        )
        .limit(limit)
    )
    async with database.engine_room() as connection:
        return [Followed(*row) for row in (await connection.execute(query)).all()]


async def secrets(database: Database) -> list[Sealed]:
    """All that are kept for long. A callback's own is done with when its handoff is, and one can be
    parked for longer than a key lives."""
    async with database.engine_room() as connection:
        return [
            *await _of(connection, WebhookRow.secret, WebhookRow.id, directory.purpose),
            *await _of(connection, WebhookRow.old_secret, WebhookRow.id, directory.purpose),
            *await _of(connection, AccountRow.callback_secret, AccountRow.id, signing_purpose),
            *await _of(connection, AccountRow.callback_old_secret, AccountRow.id, signing_purpose),
            *await _of_chats(connection),
            *await _of_callbacks(connection),
        ]


async def _of(
    connection: AsyncConnection,
    column: InstrumentedAttribute[Any],
    key: InstrumentedAttribute[UUID],
    purpose: Callable[[UUID], str],
) -> list[Sealed]:
    rows = await connection.execute(select(key, column).where(column.is_not(None)))
    return [Sealed(purpose(owner), text, column, key == owner) for owner, text in rows.all()]


async def _of_chats(connection: AsyncConnection) -> list[Sealed]:
    chats = select(IntegrationRow.account_id, IntegrationRow.channel, IntegrationRow.secrets)
    places = select(
        EndpointRow.account_id, EndpointRow.channel, EndpointRow.id, EndpointRow.address
    ).join(
        IntegrationRow,
        (IntegrationRow.account_id == EndpointRow.account_id)
        & (IntegrationRow.channel == EndpointRow.channel),
    )
    found = [
        Sealed(
            integrations.purpose("secrets", account_id, channel),
            text,
            IntegrationRow.secrets,
            (IntegrationRow.account_id == account_id) & (IntegrationRow.channel == channel),
        )
        for account_id, channel, text in (await connection.execute(chats)).all()
    ]
    return found + [
        Sealed(
            integrations.purpose("address", account_id, channel),
            text,
            EndpointRow.address,
            EndpointRow.id == place_id,
        )
        for account_id, channel, place_id, text in (
            await connection.execute(places.where(EndpointRow.disabled_at.is_(None)))
        ).all()
    ]


async def _of_callbacks(connection: AsyncConnection) -> list[Sealed]:
    waiting = (
        select(EndpointRow.id, EndpointRow.address)
        .join(HandoffRow, HandoffRow.id == EndpointRow.id)
        .where(EndpointRow.channel == CALLBACK.name, HandoffRow.status.in_(LIVING))
    )
    return [
        Sealed(
            callback_purpose(handoff_id), text, EndpointRow.address, EndpointRow.id == handoff_id
        )
        for handoff_id, text in (await connection.execute(waiting)).all()
    ]


async def replace(database: Database, kept: Sealed, anew: str) -> int:
    """The same, sealed anew, unless somebody has changed it meanwhile; how many it were."""
    statement = update(kept.column.class_).where(kept.row, kept.column == kept.text)
    async with database.engine_room() as connection:
        return (await connection.execute(statement.values({kept.column.key: anew}))).rowcount
