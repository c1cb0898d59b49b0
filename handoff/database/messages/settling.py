"""What became of messages: the line of each attempt, and the event of a failure for good."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Text,
    Update,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    or_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeEngine

from handoff.contract.messages import Envelope
from handoff.contract.words import UNSETTLED, DeliveryState, EventType
from handoff.database import events
from handoff.database.gate import ANY, Tenant
from handoff.database.messages.outbox import Due, row_of
from handoff.database.records import find_record
from handoff.database.tables import DeliveryRow
from handoff.wire import rfc3339


@dataclass(frozen=True, slots=True)
class LedgerAttempt:
    """What one try came to."""

    state: DeliveryState
    cause: str
    code: int | None
    at: datetime
    after: timedelta | None = None
    """How long the other side has asked not to be bothered."""

    @property
    def reason(self) -> str | None:
        """What the row says of it: nothing where all is well."""
        return None if self.state is DeliveryState.SENT else self.cause

    def entries(self) -> list[dict[str, Any]]:
        """What is added to the row's attempts."""
        at = rfc3339(self.at)
        entry = {"at": at, "outcome": self.state.value, "code": self.code, "cause": self.cause}
        return [entry if self.after is None else {**entry, "after": self.after.total_seconds()}]


async def settle(
    tenant: Tenant, attempts: Sequence[tuple[Due, LedgerAttempt]]
) -> dict[UUID, Envelope]:
    """Writes down what attempts of one batch came to, in one statement; by destination the events
    to ring for, of those that failed for good.

    A claim that came meanwhile has stopped the retries: a temporary failure then ends as skipped.
    """
    about, _ = attempts[0]
    written = await tenant.run(
        _settled(),
        handoff=about.handoff_id,
        event=about.event_number,
        on_channel=about.channel,
        destinations=[due.destination_id for due, _ in attempts],
        states=[attempt.state.value for _, attempt in attempts],
        reasons=[attempt.reason for _, attempt in attempts],
        entries=[json.dumps(attempt.entries()) for _, attempt in attempts],
    )
    changed = set(written.scalars())
    return {
        due.destination_id: await _tell_of_failure(tenant, due, attempt)
        for due, attempt in attempts
        if attempt.state is DeliveryState.FAILED and due.destination_id in changed
    }


@cache
def _settled() -> Update:
    bound = {name: bindparam(name, type_=ARRAY(kind)) for name, kind in _SETTLED.items()}
    names = (column(name, kind) for name, kind in _SETTLED.items())
    came = func.unnest(*bound.values()).table_valued(*names).render_derived("came")
    return (
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == ANY.account_id,
            DeliveryRow.handoff_id == bindparam("handoff"),
            DeliveryRow.event_number == bindparam("event"),
            DeliveryRow.channel == bindparam("on_channel"),
            DeliveryRow.destination_id == came.c.destinations,
            or_(
                DeliveryRow.state.in_(UNSETTLED),
                # Perhaps a claim has skipped it while the other side was thinking. What is written
                # already is written once.
                and_(
                    came.c.states == DeliveryState.SENT.value,
                    DeliveryRow.state != DeliveryState.SENT,
                ),
            ),
        )
        .values(
            state=came.c.states,
            reason=came.c.reasons,
            attempts=DeliveryRow.attempts.op("||")(cast(came.c.entries, JSONB)),
            changed_at=func.clock_timestamp(),
        )
        .returning(DeliveryRow.destination_id)
    )


async def put_back(tenant: Tenant, message: Due) -> None:
    """One that was marked as leaving and was not tried is as it was before."""
    await tenant.connection.execute(
        update(DeliveryRow)
        .where(
            DeliveryRow.account_id == tenant.account_id,
            *row_of(message),
            DeliveryRow.state == DeliveryState.SENDING,
        )
        .values(state=message.state, changed_at=message.changed_at)
    )


_SETTLED: dict[str, TypeEngine[Any]] = {
    "destinations": Uuid(),
    "states": Text(),
    "reasons": Text(),
    "entries": Text(),
}


async def _tell_of_failure(tenant: Tenant, message: Due, attempt: LedgerAttempt) -> Envelope:
    found = await find_record(tenant, message.handoff_id)
    assert found is not None  # noqa: S101 - deliveries point at their handoff
    details = {
        "recipient": {"id": message.destination_id, "name": message.name},
        "channel": message.channel,
        "round": message.round,
        "cause": attempt.cause,
        "code": attempt.code,
    }
    record, now = found
    return await events.append(tenant, record, EventType.DELIVERY_FAILED, at=now, details=details)
