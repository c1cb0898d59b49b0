"""Idempotency keys: the first request with a key is carried out, the others get its answer."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract import Actor
from handoff.database import Database, Tenant
from handoff.database.tables import IdempotencyRow
from handoff.errors import IdempotencyMismatch, RequestInFlight
from handoff.ids import new_id

LOCKED_FOR = timedelta(seconds=20)
"""A request whose process died is taken over by a repeat after so long."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to the first request."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to carry the request out. What it makes bears `resource_id`, at every try."""

    resource_id: UUID


async def reserve(
    database: Database, caller: Actor, key: str, fingerprint: bytes
) -> Reservation | Answer:
    """Takes the key, or answers as before.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
        RequestInFlight: the same request is being worked on.
    """
    async with database.account(caller.account_id) as tenant:
        taken = await _take(tenant, caller, key, fingerprint)
        if taken is not None:
            return Reservation(taken)
        query = tenant.select(IdempotencyRow).where(
            IdempotencyRow.user_id == caller.id, IdempotencyRow.key == key
        )
        row = (await tenant.connection.execute(query)).one()
        if row.fingerprint != fingerprint:
            raise IdempotencyMismatch("Use a new Idempotency-Key for another request.")
        if row.status is not None:
            return Answer(row.status, row.headers or {}, row.body or b"")
        return await _take_over(tenant, caller, key, row.resource_id)


async def _take(tenant: Tenant, caller: Actor, key: str, fingerprint: bytes) -> UUID | None:
    statement = (
        insert(IdempotencyRow)
        .values(
            account_id=caller.account_id,
            user_id=caller.id,
            key=key,
            fingerprint=fingerprint,
            resource_id=new_id(),
            locked_until=func.clock_timestamp() + LOCKED_FOR,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.resource_id)
    )
    taken: UUID | None = await tenant.connection.scalar(statement)
    return taken


async def _take_over(tenant: Tenant, caller: Actor, key: str, resource_id: UUID) -> Reservation:
    statement = (
        update(IdempotencyRow)
        .where(
            IdempotencyRow.account_id == tenant.account_id,
            IdempotencyRow.user_id == caller.id,
            IdempotencyRow.key == key,
            IdempotencyRow.status.is_(None),
            or_(
                IdempotencyRow.locked_until.is_(None),
                IdempotencyRow.locked_until < func.clock_timestamp(),
            ),
        )
        .values(locked_until=func.clock_timestamp() + LOCKED_FOR)
    )
    if (await tenant.connection.execute(statement)).rowcount != 1:
        raise RequestInFlight("Wait for its answer, then send it again.")
    return Reservation(resource_id)


async def keep(database: Database, caller: Actor, key: str, answer: Answer) -> None:
    """The answer that every repeat gets."""
    values: dict[str, Any] = {
        "status": answer.status,
        "headers": answer.headers,
        "body": answer.body,
        "locked_until": None,
    }
    await _write(database, caller, key, values)


async def let_go(database: Database, caller: Actor, key: str) -> None:
    """A failure of ours is no answer: a repeat tries again, with the same resource id."""
    await _write(database, caller, key, {"locked_until": None})


async def _write(database: Database, caller: Actor, key: str, values: dict[str, Any]) -> None:
    async with database.account(caller.account_id) as tenant:
        await tenant.connection.execute(
            update(IdempotencyRow)
            .where(
                IdempotencyRow.account_id == tenant.account_id,
                IdempotencyRow.user_id == caller.id,
                IdempotencyRow.key == key,
            )
            .values(**values)
        )
