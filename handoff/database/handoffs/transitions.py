"""The one place where a handoff's state changes, whoever asks for it.

A change is decided by a pure rule on the record as it was read, and written by one conditional
statement that names the version it was decided on: whoever comes second changes nothing, reads
again and is answered by the rule. The same transaction holds the event with its number, the
session's new state and the messages to be sent, so nothing half done can ever be seen.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Select, Update, bindparam, func, update

from handoff.contract.messages import Envelope, StepOrder
from handoff.contract.people import Actor
from handoff.contract.record import Record
from handoff.contract.words import EventType
from handoff.database import deliveries, events, files, outages, people, sessions
from handoff.database.deliveries import Planned
from handoff.database.gate import ANY, Database, Tenant
from handoff.database.handoffs.audience import choose
from handoff.database.records import find_record, to_columns
from handoff.database.tables import HandoffRow, SessionRow
from handoff.errors import NotFound, OutcomeUnknown, StaleVersion, Unreachable
from handoff.rules.change import Change, Decide
from handoff.rules.steps import take_step
from handoff.rules.telling import told_as


@dataclass(frozen=True, slots=True)
class Changed:
    """The record after the transition, and the event to ring for, if there was one."""

    record: Record
    envelope: Envelope | None


Keep = Callable[[Tenant, Changed], Awaitable[None]]
"""Writes down, in the command's own transaction, that it was carried out and how it is answered."""

FIND_OUT_WITHIN = 4.0
"""Seconds for which we ask what became of a command whose commit was not answered."""

_ASK_AGAIN = 0.2


@outages.tried_again
async def command(
    database: Database,
    caller: Actor,
    handoff_id: UUID,
    decide: Decide,
    *,
    session_id: UUID | None = None,
    to: UUID | None = None,
    team: UUID | None = None,
    attached: Sequence[UUID] = (),
    if_version: Collection[int] | None = None,
    keep: Keep | None = None,
) -> Changed:
    """Carries out what a person asked for; final once this returns.

    `to`, `team`: whom and which team it names. The rule is given them by these names, as they are
    until it is done; None where there is no such person or team. `attached`: files of its session,
    which the rule is given as `files`, as events tell of them.

    Where PostgreSQL's answer to the commit is lost, it is asked until it tells what was done.

    Raises:
        NotFound: unknown, or another account's.
        StaleVersion: the present one is none of `if_version`.
        Refusal: what the rule says.
        OutcomeUnknown: PostgreSQL did not tell in time.
    """
    done: Changed | None = None
    clock = asyncio.get_running_loop().time
    until = clock() + FIND_OUT_WITHIN
    while True:
        try:
            async with database.account(caller.account_id) as tenant:
                if done is not None and await _is_written(tenant, done):
                    return done
                done = None
                done = await _carry_out(
                    *(tenant, caller, handoff_id, decide),
                    session_id=session_id,
                    to=to,
                    team=team,
                    attached=attached,
                    if_version=if_version,
                )
                if keep is not None:
                    await keep(tenant, done)
            return done
        except (Unreachable, *outages.MAYBE) as fault:
            passes = isinstance(fault, Unreachable) or outages.is_outage(fault)
            if done is None or not passes:
                raise
            if clock() > until:
                raise OutcomeUnknown("It may have been done. Look, or send it again.") from fault
        await asyncio.sleep(_ASK_AGAIN)


async def _is_written(tenant: Tenant, done: Changed) -> bool:
    """Whether it was committed. Locked: who had written it, had it locked for as long as it lived,
    so a commit that is still on its way is waited for."""
    found = await find_record(tenant, done.record.id, lock=True)
    if found is None:
        return False
    if done.envelope is None:
        return found[0] == done.record
    return await events.is_written(tenant, done.envelope)


async def _carry_out(
    tenant: Tenant,
    caller: Actor,
    handoff_id: UUID,
    decide: Callable[..., Change | None],
    *,
    session_id: UUID | None,
    to: UUID | None,
    team: UUID | None,
    attached: Sequence[UUID],
    if_version: Collection[int] | None,
) -> Changed:
    if team is not None:
        name = await sessions.team_name(tenant, team)
        decide = partial(decide, team=None if name is None else {"id": team, "name": name})
    if to is None:
        actor = await people.act_as(tenant, caller)
    else:
        actor, named = await people.act_towards(tenant, caller, to)
        decide = partial(decide, to=named)
    for lock in (False, True):
        found = await find_record(tenant, handoff_id, session_id=session_id, lock=lock)
        if found is None:
            raise NotFound("There is no such handoff.")
        record, now = found
        _must_match(record, if_version)
        if attached:
            told = await files.must_name(tenant, record.session_id, attached)
            decide = partial(decide, files=told)
        change = decide(record, actor, now)
        if change is None:
            return Changed(record, None)
        changed = await apply(tenant, record, change, actor=actor, now=now)
        if changed is not None:
            return changed
    raise AssertionError("a locked record cannot change under its lock")


def _must_match(record: Record, if_version: Collection[int] | None) -> None:
    if if_version is not None and record.version not in if_version:
        raise StaleVersion(
            f"It is at version {record.version} by now. Read it again.", version=record.version
        )


async def step(tenant: Tenant, order: StepOrder, retention: timedelta) -> Changed | None:
    """Carries out what the clock asked for; None when the record has moved on since."""
    found = await find_record(tenant, order.handoff_id)
    if found is None or found[0].version != order.version:
        return None
    record, now = found
    # The engine's clock may run ahead in tests. One that is behind waited for PostgreSQL, and
    # the wait of the round that starts now begins now.
    now = max(now, order.now)
    change = take_step(record, order.kind, now, retention)
    if change is None:
        return None
    return await apply(tenant, record, change, actor=None, now=now)


async def apply(
    tenant: Tenant, record: Record, change: Change, *, actor: Actor | None, now: datetime
) -> Changed | None:
    """Writes one change; None when somebody else was first and nothing was written."""
    written = await _write(tenant, record, change, actor)
    if written is None:
        return None
    messages = await choose(
        tenant, written, change, held_by=record.claimed_by, actor=actor, now=now
    )
    return await _write_event(tenant, written, change, messages, actor=actor, now=now)


async def _write(
    tenant: Tenant, record: Record, change: Change, actor: Actor | None
) -> Record | None:
    """The handoff, its session, and calls for help that will not leave any more: one statement.

    Answers with the record as it is now; None when its version was not the present one any more.
    """
    values: dict[str, Any] = {**change.values, "version": record.version + 1}
    if actor is not None and change.event not in (None, *_BESIDE):
        # What was done last, for whoever does it twice.
        values |= {"last_actor_id": actor.id, "last_act": change.event}
    columns = to_columns(values)
    if actor is None:
        # The engine's own step: it learns of it by the answer.
        columns["seen_version"] = values["version"]
    statement = _written(
        frozenset(columns),
        frozenset(change.session),
        skips=change.skips is not None,
        revives=change.revives,
    )
    written = await tenant.run(
        statement,
        handoff=record.id,
        seen=record.version,
        skip_reason=change.skips,
        stopped_since=record.claimed_at,
        **{f"new_{name}": value for name, value in columns.items()},
        **{f"session_{name}": value for name, value in change.session.items()},
    )
    if written.one_or_none() is None:
        return None
    of_session = {
        _OF_SESSION[name]: new for name, new in change.session.items() if name in _OF_SESSION
    }
    return replace(record, **values, **of_session)


_BESIDE = (EventType.NOTED, EventType.CALLED, EventType.CHANGED)
"""Done beside: a claim can still be undone, and a release repeated."""

_OF_SESSION = {"title": "session_title", "team_id": "team_id"}
"""The record's fields that are columns of its session."""


@cache
def _written(
    columns: frozenset[str], session: frozenset[str], *, skips: bool, revives: bool
) -> Select[Any]:
    new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in sorted(columns)}
    written = (
        update(HandoffRow)
        .where(
            HandoffRow.account_id == ANY.account_id,
            HandoffRow.id == bindparam("handoff"),
            HandoffRow.version == bindparam("seen"),
        )
        .values({**new, "changed_at": func.clock_timestamp()})
        .returning(HandoffRow.account_id, HandoffRow.id, HandoffRow.session_id)
        .cte("written")
    )
    query = ANY.select(written.c, written.c.id)
    if session:
        query = query.add_cte(_session(written, session).cte("session"))
    if skips:
        query = query.add_cte(deliveries.skipping(ANY, written).cte("skipped"))
    if revives:
        query = query.add_cte(deliveries.reviving(ANY, written).cte("revived"))
    return query


def _session(written: CTE, columns: frozenset[str]) -> Update:
    return (
        update(SessionRow)
        .where(SessionRow.account_id == ANY.account_id, SessionRow.id == written.c.session_id)
        .values({name: bindparam(f"session_{name}") for name in sorted(columns)})
    )


async def _write_event(
    tenant: Tenant,
    record: Record,
    change: Change,
    messages: list[Planned],
    *,
    actor: Actor | None,
    now: datetime,
) -> Changed:
    reaches = any(not (message.opted_out or message.besides) for message in messages)
    event = told_as(change, reaches_somebody=reaches)
    if event is None:
        return Changed(record, None)
    envelope = await events.append(
        tenant, record, event, at=now, actor=actor, details=change.details, messages=messages
    )
    return Changed(record, envelope)
