"""Idempotency keys: the first request with a key is carried out, the others get its answer."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from handoff.contract.people import Actor
from handoff.database.gate import Database, Tenant
from handoff.database.tables import IdempotencyRow
from handoff.errors import IdempotencyMismatch, RequestInFlight
from handoff.ids import new_id
from handoff.rules.roles import must_still_be

LOCKED_FOR = timedelta(seconds=10)
"""A request whose process died is taken over by a repeat after so long."""

PURGED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to the first request."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to carry the request out. What it makes bears `resource_id`, at every try.

    `locked_until` tells this holder from one that takes over later.
    """

    resource_id: UUID
    locked_until: datetime


async def reserve(
    database: Database, caller: Actor, key: str, fingerprint: bytes
) -> Reservation | Answer:
    """Takes the key, or answers as before.

    Raises:
        IdempotencyMismatch: the key belongs to another request.
        Forbidden: the answer was given to a caller who could do more than they can now.
        RequestInFlight: the same request is being worked on.
    """
    async with database.account(caller.account_id) as tenant:
        taken = await _take(tenant, caller, key, fingerprint)
        if taken is not None:
            return taken
        query = tenant.select(IdempotencyRow).where(_named(tenant, caller, key))
        row = (await tenant.connection.execute(query)).one_or_none()
        if row is None:
            # It was purged between the two statements: a day old, and asked for at this moment.
            raise RequestInFlight("Send it again.")
        if row.fingerprint != fingerprint:
            raise IdempotencyMismatch("Use a new Idempotency-Key for another request.", errors=[])
        if row.status is not None:
            must_still_be(caller, row.role)
            return Answer(row.status, row.headers or {}, row.body or b"")
        return await _take_over(tenant, caller, key)


def _named(tenant: Tenant, caller: Actor, key: str) -> ColumnElement[bool]:
    return and_(
        IdempotencyRow.account_id == tenant.account_id,
        IdempotencyRow.user_id == caller.id,
        IdempotencyRow.key == _of(caller, key),
    )


def _of(caller: Actor, key: str, part: UUID | None = None) -> str:
    """A program has keys of its own, and so has each part. No person's can hold a line end."""
    own = key if caller.token_id is None else f"{caller.token_id}\n{key}"
    return own if part is None else f"{own}\n{part}"


async def _take(tenant: Tenant, caller: Actor, key: str, fingerprint: bytes) -> Reservation | None:
    statement = (
        insert(IdempotencyRow)
        .values(
            account_id=caller.account_id,
            user_id=caller.id,
            key=_of(caller, key),
            fingerprint=fingerprint,
            resource_id=new_id(),
            locked_until=func.clock_timestamp() + LOCKED_FOR,
        )
        .on_conflict_do_nothing()
        .returning(IdempotencyRow.resource_id, IdempotencyRow.locked_until)
    )
    row = (await tenant.connection.execute(statement)).one_or_none()
    return None if row is None else _reservation(row)


async def _take_over(tenant: Tenant, caller: Actor, key: str) -> Reservation:
    statement = (
        update(IdempotencyRow)
        .where(_named(tenant, caller, key), IdempotencyRow.status.is_(None), _unlocked())
        .values(locked_until=func.clock_timestamp() + LOCKED_FOR)
        .returning(IdempotencyRow.resource_id, IdempotencyRow.locked_until)
    )
    row = (await tenant.connection.execute(statement)).one_or_none()
    if row is None:
        raise RequestInFlight("Wait for its answer, then send it again.")
    return _reservation(row)


def _reservation(row: Any) -> Reservation:
    return Reservation(row.resource_id, row.locked_until)


def _unlocked() -> ColumnElement[bool]:
    return or_(
        IdempotencyRow.locked_until.is_(None),
        IdempotencyRow.locked_until < func.clock_timestamp(),
    )


async def keep(database: Database, caller: Actor, key: str, answer: Answer) -> None:
    """The answer that every repeat gets: the first one, should two holders come to one."""
    async with database.account(caller.account_id) as tenant:
        await _keep(tenant, caller, key, answer, IdempotencyRow.status.is_(None))


async def keep_within(
    tenant: Tenant, caller: Actor, key: str, held: Reservation, answer: Answer
) -> None:
    """The same in the transaction that did what is answered: neither is ever without the other.

    Raises:
        RequestInFlight: this holder took so long that a repeat has taken over. What it did is
            undone with the transaction: the repeat does it.
    """
    own = and_(IdempotencyRow.status.is_(None), IdempotencyRow.locked_until == held.locked_until)
    if not await _keep(tenant, caller, key, answer, own):
        raise RequestInFlight("A repeat of it is being worked on. Wait for its answer.")


async def _keep(
    tenant: Tenant, caller: Actor, key: str, answer: Answer, still: ColumnElement[bool]
) -> bool:
    kept = await tenant.connection.execute(
        update(IdempotencyRow)
        .where(_named(tenant, caller, key), still)
        .values(
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            role=caller.role,
            locked_until=None,
        )
    )
    return kept.rowcount == 1


async def keep_part_within(
    tenant: Tenant, caller: Actor, key: str, part: UUID, answer: Answer
) -> None:
    """One of many things that the request asks for, in the transaction that does it: repeats find
    it done, whatever becomes of the others.

    Raises:
        RequestInFlight: somebody else who has the key in hand did it. Here it is undone.
    """
    statement = (
        insert(IdempotencyRow)
        .values(
            account_id=caller.account_id,
            user_id=caller.id,
            key=_of(caller, key, part),
            fingerprint=b"",
            resource_id=part,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            role=caller.role,
        )
        .on_conflict_do_nothing()
    )
    if (await tenant.connection.execute(statement)).rowcount == 0:
        raise RequestInFlight("A repeat of it is being worked on. Wait for its answer.")


async def kept_parts(
    database: Database, caller: Actor, key: str, parts: Collection[UUID]
) -> dict[UUID, Answer]:
    """Those of them that were done at an earlier try of the same request.

    Raises:
        Forbidden: to a caller who could do more than they can now.
    """
    async with database.account(caller.account_id) as tenant:
        query = tenant.select(IdempotencyRow).where(
            IdempotencyRow.user_id == caller.id,
            IdempotencyRow.key.in_({_of(caller, key, part) for part in parts}),
        )
        rows = (await tenant.connection.execute(query)).all()
    for row in rows:
        must_still_be(caller, row.role)
    return {row.resource_id: Answer(row.status, row.headers or {}, row.body) for row in rows}


async def let_go(database: Database, caller: Actor, key: str, held: Reservation) -> None:
    """A failure of ours is no answer: a repeat tries again, with the same resource id."""
    async with database.account(caller.account_id) as tenant:
        await tenant.connection.execute(
            update(IdempotencyRow)
            .where(
                _named(tenant, caller, key),
                IdempotencyRow.status.is_(None),
                IdempotencyRow.locked_until == held.locked_until,
            )
            .values(locked_until=None)
        )


async def purge_keys(database: Database, older_than: timedelta) -> int:
    """Forgets keys of all accounts that were first used so long ago; says how many.

    In small portions, so that nobody waits for a long transaction.
    """
    forgotten = 0
    while True:
        async with database.engine_room() as connection:
            old = (
                select(IdempotencyRow.user_id, IdempotencyRow.key)
                .where(IdempotencyRow.created_at < func.now() - older_than, _unlocked())
                .limit(PURGED_AT_ONCE)
                .with_for_update(skip_locked=True)
                .cte("old")
            )
            statement = delete(IdempotencyRow).where(
                IdempotencyRow.user_id == old.c.user_id, IdempotencyRow.key == old.c.key
            )
            gone = (await connection.execute(statement)).rowcount
        forgotten += gone
        if gone < PURGED_AT_ONCE:
            return forgotten
