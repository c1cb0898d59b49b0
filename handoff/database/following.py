"""Where each webhook stands among its account's events, for whoever posts to it.

A place moves only under the hand of the holder that saw it: a worker that was taken for dead, or
that did not see a replay, moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Interval,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from handoff.contract.messages import Envelope
from handoff.database import events
from handoff.database.gate import ANY, Tenant
from handoff.database.tables import AccountRow, WebhookAttemptRow, WebhookRow

KEPT = 100
"""Attempts of an endpoint that are kept at least."""

PRUNED_EVERY = 25


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint as its follower needs it. Secrets are sealed, the newest first."""

    url: str
    events: list[str] | None
    secrets: list[str]
    content: dict[str, Any] | None
    holder: UUID | None
    place: int
    tried: int
    failing_since: datetime | None
    next_try_at: datetime | None
    disabled_at: datetime | None
    told_at: datetime | None
    read_at: datetime
    read: float = field(default_factory=monotonic)

    @property
    def now(self) -> datetime:
        """The time by PostgreSQL's clock."""
        return self.read_at + timedelta(seconds=monotonic() - self.read)

    @property
    def rests(self) -> timedelta:
        """How much longer nothing is to be tried."""
        if self.next_try_at is None:
            return timedelta(0)
        return max(self.next_try_at - self.now, timedelta(0))

    def wants(self, envelope: Envelope) -> bool:
        """Whether it asked for events of this type."""
        return self.events is None or envelope.type.removeprefix("handoff.") in self.events


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """What one POST came to, as it is kept."""

    number: int
    took: timedelta
    code: int | None
    cause: str


async def take_over(tenant: Tenant, webhook_id: UUID, holder: UUID) -> None:
    """From now on this holder's word counts, and no earlier one's."""
    held = update(WebhookRow).where(_is(tenant, webhook_id)).values(holder=holder)
    await tenant.connection.execute(held)


async def standing(tenant: Tenant, webhook_id: UUID) -> Standing | None:
    """None where it was deleted."""
    row = (await tenant.run(_standing(), webhook=webhook_id)).one_or_none()
    if row is None:
        return None
    found = dict(row._mapping)
    secrets = [found.pop("secret"), *(found.pop("old_secret") or "").split()]
    return Standing(**found, secrets=secrets)


async def page(
    tenant: Tenant, webhook_id: UUID, *, limit: int
) -> tuple[Standing | None, Sequence[Envelope]]:
    """How it stands, and the events that come next."""
    found = await standing(tenant, webhook_id)
    if found is None or found.disabled_at is not None or found.rests:
        return found, []
    return found, await events.after(tenant, found.place, limit=limit)


@cache
def _standing() -> Select[Any]:
    still = WebhookRow.old_secret_until > func.clock_timestamp()
    return (
        ANY.select(
            WebhookRow,
            WebhookRow.url,
            WebhookRow.events,
            WebhookRow.secret,
            case((still, WebhookRow.old_secret)).label("old_secret"),
            AccountRow.content,
            WebhookRow.holder,
            WebhookRow.place,
            WebhookRow.tried,
            WebhookRow.failing_since,
            WebhookRow.next_try_at,
            WebhookRow.disabled_at,
            WebhookRow.told_at,
            func.clock_timestamp().label("read_at"),
        )
        .join(AccountRow, AccountRow.id == WebhookRow.account_id)
        .where(WebhookRow.id == bindparam("webhook"))
    )


async def pass_over(
    tenant: Tenant, webhook_id: UUID, holder: UUID, *, seen: int, number: int
) -> bool:
    """Up to this event there is nothing that it asked for; whether it still stood where it was
    seen."""
    moved = (
        update(WebhookRow)
        .where(_is(tenant, webhook_id), WebhookRow.holder == holder, WebhookRow.place == seen)
        .values(place=number)
    )
    return (await tenant.connection.execute(moved)).rowcount == 1


async def taken(
    tenant: Tenant, webhook_id: UUID, holder: UUID, attempt: AttemptRow, *, seen: int
) -> bool:
    """The place moves to what was taken; whether it still stood where it was seen."""
    return await _keep(tenant, _taken(), webhook_id, attempt, held_by=holder, seen=seen)


async def failed(
    tenant: Tenant,
    webhook_id: UUID,
    holder: UUID,
    attempt: AttemptRow,
    *,
    seen: int,
    pause: timedelta,
    disabled_why: str | None,
    ours: bool = False,
) -> bool:
    """It rests, or is disabled; whether it still stood where it was seen. `ours`: it was not asked,
    and that takes nothing of its patience."""
    return await _keep(
        tenant,
        _failed(),
        webhook_id,
        attempt,
        held_by=holder,
        seen=seen,
        pause=pause,
        why=disabled_why,
        ours=ours,
    )


async def told(tenant: Tenant, webhook_id: UUID, *, disabled_at: datetime) -> None:
    """Whoever leads the account has heard that it was disabled then."""
    heard = (
        update(WebhookRow)
        .where(_is(tenant, webhook_id), WebhookRow.disabled_at == disabled_at)
        .values(told_at=func.clock_timestamp())
    )
    await tenant.connection.execute(heard)


async def tested(tenant: Tenant, webhook_id: UUID, attempt: AttemptRow) -> None:
    """A test changes nothing but the list of attempts."""
    await _keep(tenant, _tested(), webhook_id, attempt)


async def _keep(
    tenant: Tenant, statement: Any, webhook_id: UUID, attempt: AttemptRow, **values: Any
) -> bool:
    kept = await tenant.run(
        statement,
        webhook=webhook_id,
        number=attempt.number,
        took=round(attempt.took.total_seconds() * 1000),
        code=attempt.code,
        cause=attempt.cause,
        **values,
    )
    sequence = kept.scalar_one_or_none()
    if sequence is not None and sequence % PRUNED_EVERY == 0:
        old = delete(WebhookAttemptRow).where(
            WebhookAttemptRow.account_id == tenant.account_id,
            WebhookAttemptRow.webhook_id == webhook_id,
            WebhookAttemptRow.sequence <= sequence - KEPT,
        )
        await tenant.connection.execute(old)
    return sequence is not None


def _changed(*which: ColumnElement[bool], **values: Any) -> CTE:
    return (
        update(WebhookRow)
        .where(
            WebhookRow.account_id == ANY.account_id,
            WebhookRow.id == bindparam("webhook"),
            *which,
        )
        .values(attempt_count=WebhookRow.attempt_count + 1, **values)
        .returning(WebhookRow.id, WebhookRow.account_id, WebhookRow.attempt_count)
        .cte("changed")
    )


def _with_attempt(changed: CTE) -> Any:
    """One statement: the endpoint, and the attempt with its number."""
    columns = ("webhook_id", "account_id", "sequence", "event_number", "at", "took_ms", "code")
    kept = insert(WebhookAttemptRow).from_select(
        [*columns, "cause"],
        select(
            changed.c.id,
            changed.c.account_id,
            changed.c.attempt_count,
            bindparam("number", type_=WebhookAttemptRow.event_number.type),
            func.clock_timestamp(),
            bindparam("took", type_=Integer()),
            bindparam("code", type_=Integer()),
            bindparam("cause", type_=Text()),
        ).where(changed.c.account_id == ANY.account_id),
    )
    return kept.returning(WebhookAttemptRow.sequence)


_HELD = (
    WebhookRow.holder == bindparam("held_by", type_=Uuid()),
    WebhookRow.place == bindparam("seen", type_=WebhookRow.place.type),
)


@cache
def _taken() -> Any:
    changed = _changed(
        *_HELD,
        place=bindparam("number", type_=WebhookRow.place.type),
        tried=0,
        failing_since=null(),
        next_try_at=null(),
        last_taken_at=func.clock_timestamp(),
    )
    return _with_attempt(changed)


@cache
def _failed() -> Any:
    why = cast(bindparam("why", type_=Text()), Text())
    now = func.clock_timestamp()
    changed = _changed(
        *_HELD,
        WebhookRow.disabled_at.is_(None),
        tried=WebhookRow.tried + 1,
        failing_since=case(
            (bindparam("ours", type_=Boolean()), now),
            else_=func.coalesce(WebhookRow.failing_since, now),
        ),
        next_try_at=now + bindparam("pause", type_=Interval()),
        disabled_at=case((why.is_not(None), now), else_=literal(None, DateTime(timezone=True))),
        disabled_why=why,
    )
    return _with_attempt(changed)


@cache
def _tested() -> Any:
    return _with_attempt(_changed())


def _is(tenant: Tenant, webhook_id: UUID) -> ColumnElement[bool]:
    return (WebhookRow.account_id == tenant.account_id) & (WebhookRow.id == webhook_id)
