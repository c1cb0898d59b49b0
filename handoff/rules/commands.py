"""What people may do to a handoff: one function a command, in the domain page's words.

Each takes the record, the actor and the time; it answers with the change, with None where the
command was already done (the same 200 again), or raises the refusal. Role checks come first.
"""

from datetime import datetime, timedelta
from typing import Any

from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import (
    FINAL,
    EventType,
    HandoffStatus,
    Intent,
    Outcome,
    SessionStatus,
    SkipReason,
)
from handoff.errors import (
    AlreadyClaimed,
    Forbidden,
    HandoffClosed,
    OwnEscalation,
    RoundPassed,
    WrongState,
)
from handoff.rules.change import Change, Tells
from handoff.rules.roles import LEADING_ROLES, WORKING_ROLES

NOT_WAITING: dict[str, Any] = {
    "deadline_at": None,
    "snoozed_until": None,
    "expires_at": None,
    "transfer_to": None,
    "transfer_until": None,
    "lease_until": None,
    "lease_reminded_at": None,
}
"""Nothing is due any more."""


def claim(record: Record, actor: Actor, now: datetime) -> Change | None:
    """The first one recorded wins. The one whom a transfer names accepts by claiming."""
    _must_work(actor)
    _must_not_be_final(record)
    if record.claimed_by is not None and record.claimed_by.id == actor.id:
        return _extend_lease(record, now)
    if record.claimed_by is not None and not _is_named(record, actor):
        raise already_claimed(record)
    if _is_own_escalation(record, actor):
        raise OwnEscalation("You escalated this yourself. Cancel it if you no longer need help.")
    return Change(
        event=EventType.CLAIMED,
        values={
            **NOT_WAITING,
            **_first_claim(record, actor, now),
            "status": HandoffStatus.CLAIMED,
            "claimed_by": Person(actor.id, actor.name),
            "claimed_at": now,
            "lease_until": _lease_end(record, now),
        },
        session={"status": SessionStatus.ACTIVE, "holder_id": actor.id},
        skips=SkipReason.CLAIMED,
        tells=Tells.TOLD,
    )


def release(record: Record, actor: Actor, now: datetime, *, reason: str | None) -> Change | None:
    """Back to open with a fresh round 1."""
    _must_work(actor)
    _must_not_be_final(record)
    if record.status is HandoffStatus.OPEN and _did(record, actor, EventType.RELEASED):
        return None
    _must_be(record, HandoffStatus.CLAIMED)
    _must_hold_or_lead(record, actor)
    return reopen(record, now, EventType.RELEASED, {"reason": reason})


def resolve(
    record: Record, actor: Actor, now: datetime, *, outcome: Outcome, note: str | None
) -> Change | None:
    """Final, with an outcome."""
    _must_work(actor)
    if _did(record, actor, EventType.RESOLVED):
        return None
    _must_not_be_final(record)
    _must_be(record, HandoffStatus.CLAIMED)
    _must_hold_or_lead(record, actor)
    return Change(
        event=EventType.RESOLVED,
        values={
            **NOT_WAITING,
            "status": HandoffStatus.RESOLVED,
            "outcome": outcome,
            "resolution_note": note,
            "resolved_at": now,
        },
        session={"status": SessionStatus.ACTIVE},
        tells=Tells.TOLD,
        details={"outcome": outcome.value, "note": note},
    )


def cancel(record: Record, actor: Actor, now: datetime, *, reason: str | None) -> Change | None:
    """Final. The session goes back to the escalator. Once claimed, only for admins and owners."""
    _must_work(actor)
    if _did(record, actor, EventType.CANCELLED):
        return None
    leads = actor.role in LEADING_ROLES
    if record.escalator.id != actor.id and not leads:
        raise Forbidden("Only the one who handed off, an admin or an owner can cancel.")
    _must_not_be_final(record)
    if record.status is HandoffStatus.CLAIMED and not leads:
        raise already_claimed(record)
    return Change(
        event=EventType.CANCELLED,
        values={**NOT_WAITING, "status": HandoffStatus.CANCELLED, "resolved_at": now},
        session={"status": SessionStatus.ACTIVE, "holder_id": record.escalator.id},
        skips=SkipReason.CANCELLED,
        tells=Tells.TOLD,
        details={"reason": reason},
    )


def promote(record: Record, actor: Actor, now: datetime) -> Change | None:
    """Parked becomes open; it keeps its id and history."""
    _must_work(actor)
    if record.escalator.id != actor.id:
        raise Forbidden("Only the one who parked it can promote it.")
    _must_not_be_final(record)
    if record.status is HandoffStatus.OPEN and _did(record, actor, EventType.PROMOTED):
        return None
    _must_be(record, HandoffStatus.PARKED)
    return Change(
        event=EventType.PROMOTED,
        values={
            "status": HandoffStatus.OPEN,
            "intent": Intent.ESCALATE,
            "deadline_at": now,
            "remind_at": None,
        },
        session={"status": SessionStatus.ESCALATED},
    )


def escalate_now(record: Record, actor: Actor, now: datetime, *, round: int) -> Change | None:
    """Ends the present wait. Refused when the round that the caller saw has passed."""
    _must_work(actor)
    _must_not_be_final(record)
    if record.claimed_by is not None:
        raise already_claimed(record)
    _must_be(record, HandoffStatus.OPEN)
    if record.round != round:
        raise RoundPassed(f"Round {record.round} is running by now.", round=record.round)
    if record.deadline_at is None:
        raise WrongState(
            "Every round has run: there is no wait to end. It can still be claimed.",
            handoff_status=record.status.value,
        )
    if record.deadline_at <= now:
        return None
    return Change(event=EventType.HURRIED, values={"deadline_at": now, "snoozed_until": None})


def snooze(record: Record, actor: Actor, now: datetime, *, until: datetime) -> Change | None:
    """Pauses the timers until a time, then starts a fresh round, even after the last one."""
    _must_work(actor)
    _must_not_be_final(record)
    if record.claimed_by is not None:
        raise already_claimed(record)
    _must_be(record, HandoffStatus.OPEN)
    if record.snoozed_until == until:
        return None
    return Change(
        event=EventType.SNOOZED,
        values={
            "snoozed_until": until,
            "deadline_at": until,
            "exhausted_at": None,
            "expires_at": None,
            "rounds_total": max(record.rounds_total, record.round + 1),
        },
        details={"until": until},
    )


def transfer(record: Record, actor: Actor, now: datetime, *, to: Actor) -> Change | None:
    """To a named person, who accepts by claiming within the policy's accept window."""
    _must_work(actor)
    _must_not_be_final(record)
    _must_be(record, HandoffStatus.CLAIMED)
    _must_hold_or_lead(record, actor)
    if record.transfer_to is not None and record.transfer_to.id == to.id:
        return None
    if record.claimed_by is not None and record.claimed_by.id == to.id:
        raise WrongState(f"{to.name} has it already.", handoff_status=record.status.value)
    if to.role not in WORKING_ROLES or _is_own_escalation(record, to):
        raise WrongState(f"{to.name} cannot claim this handoff.", handoff_status=record.status)
    return Change(
        event=EventType.TRANSFERRED,
        values={
            "transfer_to": Person(to.id, to.name),
            "transfer_until": now + timedelta(seconds=record.policy.accept_window),
        },
        tells=Tells.NAMED,
        details={"to": {"id": to.id, "name": to.name}},
    )


def reopen(
    record: Record, now: datetime, event: EventType, details: dict[str, Any] | None = None
) -> Change:
    """From claimed back to open: a release, an ended lease or a lapsed transfer."""
    return Change(
        event=event,
        values={
            **NOT_WAITING,
            "status": HandoffStatus.OPEN,
            "claimed_by": None,
            "claimed_at": None,
            "intent": Intent.ESCALATE,
            "level": 0,
            "level_round": 0,
            "round": 0,
            "rounds_total": record.policy.rounds_total,
            "deadline_at": now,
            "exhausted_at": None,
        },
        session={"status": SessionStatus.ESCALATED, "holder_id": record.escalator.id},
        skips=SkipReason.SUPERSEDED,
        tells=Tells.TOLD,
        details=details or {},
    )


def already_claimed(record: Record) -> AlreadyClaimed:
    """The loser's answer: it always says who has it."""
    holder = record.claimed_by
    assert holder is not None  # noqa: S101 - the callers have just looked
    return AlreadyClaimed(
        f"{holder.name} has it.",
        claimed_by={"id": str(holder.id), "name": holder.name},
        claimed_at=record.claimed_at,
    )


def _first_claim(record: Record, actor: Actor, now: datetime) -> dict[str, Any]:
    """Times never move: time-to-claim counts the first claim, whatever comes after it."""
    if record.first_claimed_at is not None:
        return {}
    return {
        "first_claimed_at": now,
        "first_claimed_by_id": actor.id,
        "first_claimed_round": record.round,
    }


def _lease_end(record: Record, now: datetime) -> datetime | None:
    lease = record.policy.claim_lease
    return None if lease is None else now + timedelta(seconds=lease)


def _extend_lease(record: Record, now: datetime) -> Change | None:
    if record.lease_until is None:
        return None
    values = {"lease_until": _lease_end(record, now), "lease_reminded_at": None}
    return Change(event=None, values=values)


def _did(record: Record, actor: Actor, act: EventType) -> bool:
    """Whether this is what was done last, by the same person: asked again, nothing happens."""
    return record.last_actor_id == actor.id and record.last_act == act


def _is_named(record: Record, actor: Actor) -> bool:
    return record.transfer_to is not None and record.transfer_to.id == actor.id


def _is_own_escalation(record: Record, actor: Actor) -> bool:
    return record.intent is Intent.ESCALATE and record.escalator.id == actor.id


def _must_work(actor: Actor) -> None:
    if actor.role not in WORKING_ROLES:
        raise Forbidden("Viewers can look, but not act. Ask an admin for another role.")


def _must_not_be_final(record: Record) -> None:
    if record.status in FINAL:
        raise HandoffClosed(
            f"It is {record.status.value}, and nothing reopens it.",
            handoff_status=record.status.value,
        )


def _must_be(record: Record, status: HandoffStatus) -> None:
    if record.status is not status:
        raise WrongState(
            f"It is {record.status.value}; this needs it to be {status.value}.",
            handoff_status=record.status.value,
        )


def _must_hold_or_lead(record: Record, actor: Actor) -> None:
    holds = record.claimed_by is not None and record.claimed_by.id == actor.id
    if not holds and actor.role not in LEADING_ROLES:
        raise Forbidden("Only the one who claimed it, an admin or an owner can do this.")
