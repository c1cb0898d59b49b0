"""An account's webhooks as its admins see and change them. Following events is not done here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    delete,
    func,
    null,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.people import Actor
from handoff.database import people
from handoff.database.gate import Tenant
from handoff.database.old_secrets import put_aside, until_when
from handoff.database.tables import AccountRow, WebhookAttemptRow, WebhookRow
from handoff.errors import NotFound, TooManyWebhooks, WebhookDisabled
from handoff.rules.directory import must_lead

MOST = 20
"""Endpoints of one account."""


@dataclass(frozen=True, slots=True)
class WebhookView:
    """An endpoint; never its secret."""

    id: UUID
    url: str
    events: list[str] | None
    """Short types; null for all."""
    description: str | None
    state: str
    """`following`, `failing` (it is tried again) or `disabled`."""
    place: int
    """The last event that it needs no more."""
    behind: int
    """How many events of the account came after that."""
    tried: int
    """Attempts in a row that failed."""
    failing_since: datetime | None
    next_try_at: datetime | None
    last_taken_at: datetime | None
    disabled_at: datetime | None
    disabled_why: str | None
    old_secret_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WebhookAttempt:
    """One POST: about which event (0 of a test), how it was answered, how long that took."""

    event_number: int
    at: datetime
    code: int | None
    cause: str
    took_ms: int


@dataclass(frozen=True, slots=True)
class WantedWebhook:
    """What an endpoint is to be."""

    url: str
    events: Sequence[str] | None
    description: str | None


def purpose(webhook_id: UUID) -> str:
    """What an endpoint's secret is sealed for."""
    return f"webhook {webhook_id}"


async def make(
    tenant: Tenant, caller: Actor, webhook_id: UUID, wanted: WantedWebhook, *, secret: str
) -> WebhookView:
    """A new endpoint; it is told of what happens from now on. `secret` is sealed. Two that make the
    same one at once make one: whoever keeps its answer has given it its secret.

    Raises:
        Forbidden: only admins and owners.
        TooManyWebhooks: the account has as many as may be.
    """
    must_lead(await people.act_as(tenant, caller))
    others = tenant.select(WebhookRow, func.count()).where(WebhookRow.id != webhook_id)
    if ((await tenant.connection.scalar(others)) or 0) >= MOST:
        raise TooManyWebhooks("Delete one that is not needed any more first.", limit=MOST)
    last = select(AccountRow.last_event_number).where(AccountRow.id == tenant.account_id)
    statement = insert(WebhookRow).values(
        id=webhook_id,
        account_id=tenant.account_id,
        url=wanted.url,
        events=wanted.events,
        description=wanted.description,
        secret=secret,
        place=last.scalar_subquery(),
    )
    await tenant.connection.execute(
        statement.on_conflict_do_update(
            index_elements=["id"],
            set_={"secret": secret},
            where=WebhookRow.account_id == tenant.account_id,
        )
    )
    return await find(tenant, webhook_id)


async def of_account(tenant: Tenant) -> list[WebhookView]:
    """All of them, oldest first."""
    rows = await tenant.connection.execute(_views(tenant).order_by(WebhookRow.id))
    return [WebhookView(**row._mapping) for row in rows.all()]


async def find(tenant: Tenant, webhook_id: UUID) -> WebhookView:
    """One of the account's.

    Raises:
        NotFound: unknown, or another account's.
    """
    query = _views(tenant).where(WebhookRow.id == webhook_id)
    row = (await tenant.connection.execute(query)).one_or_none()
    if row is None:
        raise _unknown()
    return WebhookView(**row._mapping)


def _views(tenant: Tenant) -> Select[Any]:
    disabled, failing = WebhookRow.disabled_at.is_not(None), WebhookRow.failing_since.is_not(None)
    until = WebhookRow.old_secret_until
    return tenant.select(
        WebhookRow,
        WebhookRow.id,
        WebhookRow.url,
        WebhookRow.events,
        WebhookRow.description,
        case((disabled, "disabled"), (failing, "failing"), else_="following").label("state"),
        WebhookRow.place,
        (AccountRow.last_event_number - WebhookRow.place).label("behind"),
        WebhookRow.tried,
        WebhookRow.failing_since,
        case((disabled, None), else_=WebhookRow.next_try_at).label("next_try_at"),
        WebhookRow.last_taken_at,
        WebhookRow.disabled_at,
        WebhookRow.disabled_why,
        case((until > func.clock_timestamp(), until)).label("old_secret_until"),
        WebhookRow.created_at,
    ).join(AccountRow, AccountRow.id == WebhookRow.account_id)


async def attempts(tenant: Tenant, webhook_id: UUID, *, limit: int) -> list[WebhookAttempt]:
    """The newest first.

    Raises:
        NotFound: unknown, or another account's.
    """
    await find(tenant, webhook_id)
    query = (
        tenant.select(
            WebhookAttemptRow,
            WebhookAttemptRow.event_number,
            WebhookAttemptRow.at,
            WebhookAttemptRow.code,
            WebhookAttemptRow.cause,
            WebhookAttemptRow.took_ms,
        )
        .where(WebhookAttemptRow.webhook_id == webhook_id)
        .order_by(WebhookAttemptRow.sequence.desc())
        .limit(limit)
    )
    rows = (await tenant.connection.execute(query)).all()
    return [WebhookAttempt(**row._mapping) for row in rows]


_TRIED_AT_ONCE: dict[str, Any] = {"next_try_at": None}
_AFRESH: dict[str, Any] = {
    **_TRIED_AT_ONCE,
    "tried": 0,
    "failing_since": None,
    "disabled_at": None,
    "disabled_why": None,
    "told_at": None,
}


async def replace(
    tenant: Tenant, caller: Actor, webhook_id: UUID, wanted: WantedWebhook
) -> WebhookView:
    """Another address, other events; what is owed is tried at once. A new address has failed never.

    Raises:
        NotFound, Forbidden.
    """
    moves = WebhookRow.url != wanted.url
    values = {
        "url": wanted.url,
        "events": wanted.events,
        "description": wanted.description,
        "tried": case((moves, 0), else_=WebhookRow.tried),
        "failing_since": case((moves, null()), else_=WebhookRow.failing_since),
    }
    return await _change(tenant, caller, webhook_id, **values, **_TRIED_AT_ONCE)


async def enable(tenant: Tenant, caller: Actor, webhook_id: UUID) -> WebhookView:
    """It goes on where it stood, with all its patience.

    Raises:
        NotFound, Forbidden.
    """
    return await _change(tenant, caller, webhook_id, **_AFRESH)


async def replay(tenant: Tenant, caller: Actor, webhook_id: UUID, *, first: int) -> WebhookView:
    """Goes back, so that the event `first` comes next; ahead it does not go, for none is skipped.

    Raises:
        NotFound, Forbidden.
        WebhookDisabled: nothing would come.
    """
    place = func.least(WebhookRow.place, first - 1)
    found = await _change(tenant, caller, webhook_id, place=place, **_TRIED_AT_ONCE)
    if found.disabled_at is not None:
        # What was changed is undone with the transaction.
        raise WebhookDisabled("Nothing is posted to it. Enable it first, and replay then.")
    return found


async def rotate(tenant: Tenant, caller: Actor, webhook_id: UUID, *, secret: str) -> WebhookView:
    """A new secret (sealed); the one before signs for a day as well.

    Raises:
        NotFound, Forbidden.
    """
    return await _change(
        tenant,
        caller,
        webhook_id,
        secret=secret,
        old_secret=put_aside(WebhookRow.secret, WebhookRow.old_secret, WebhookRow.old_secret_until),
        old_secret_until=until_when(),
    )


async def remove(tenant: Tenant, caller: Actor, webhook_id: UUID) -> None:
    """Gone, with its secrets and its attempts.

    Raises:
        NotFound, Forbidden.
    """
    must_lead(await people.act_as(tenant, caller))
    gone = await tenant.connection.execute(delete(WebhookRow).where(_is(tenant, webhook_id)))
    if gone.rowcount != 1:
        raise _unknown()


async def _change(tenant: Tenant, caller: Actor, webhook_id: UUID, **values: Any) -> WebhookView:
    must_lead(await people.act_as(tenant, caller))
    changed = await tenant.connection.execute(
        update(WebhookRow).where(_is(tenant, webhook_id)).values(values)
    )
    if changed.rowcount != 1:
        raise _unknown()
    return await find(tenant, webhook_id)


def _is(tenant: Tenant, webhook_id: UUID) -> ColumnElement[bool]:
    return and_(WebhookRow.account_id == tenant.account_id, WebhookRow.id == webhook_id)


def _unknown() -> NotFound:
    return NotFound("There is no such webhook.")
