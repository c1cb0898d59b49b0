"""Who has it: the first claim wins, a claimer gives it back or passes it on."""

from datetime import datetime, timedelta
from typing import Any

from handoff.contract.people import Actor, Person
from handoff.contract.record import Record
from handoff.contract.words import EventType, HandoffStatus, Intent, SessionStatus, SkipReason
from handoff.errors import OwnEscalation, WrongState
from handoff.rules.change import Change, Tells
from handoff.rules.commands.requirements import (
    already_claimed,
    did,
    is_own_escalation,
    must_be,
    must_be_able_to_claim,
    must_be_somebody,
    must_hold_or_lead,
    must_not_be_final,
    must_work,
)
from handoff.rules.commands.undoing import before, undo_claim
from handoff.rules.reopening import NOT_WAITING, reopen


def claim(record: Record, actor: Actor, now: datetime) -> Change | None:
    """The first one recorded wins. The one whom a transfer names accepts by claiming; until then
    whoever has it takes it back by claiming again."""
    must_work(actor)
    must_not_be_final(record)
    if record.claimed_by is not None and record.claimed_by.id == actor.id:
        return _take_back(record, now) if record.transfer_to else _extend_lease(record, now)
    if record.claimed_by is not None and not _is_named(record, actor):
        raise already_claimed(record)
    if is_own_escalation(record, actor):
        raise OwnEscalation("You escalated this yourself. Cancel it if you no longer need help.")
    return Change(
        event=EventType.CLAIMED,
        values={
            **NOT_WAITING,
            **_first_claim(record, actor, now),
            "status": HandoffStatus.CLAIMED,
            "claimed_by": Person(actor.id, actor.name),
            "claimed_at": now,
            "before_claim": before(record),
            "lease_until": lease_end(record, now),
        },
        session={"status": SessionStatus.ACTIVE, "holder_id": actor.id},
        skips=SkipReason.CLAIMED,
        tells=Tells.TOLD,
    )


def release(
    record: Record, actor: Actor, now: datetime, *, reason: str | None, undo: bool = False
) -> Change | None:
    """Back to open with a fresh round 1; or, as an undo, back as it was before the claim."""
    must_work(actor)
    must_not_be_final(record)
    if undo:
        return undo_claim(record, actor, now)
    if record.status is HandoffStatus.OPEN and did(record, actor, EventType.RELEASED):
        return None
    must_be(record, HandoffStatus.CLAIMED)
    must_hold_or_lead(record, actor)
    return reopen(record, now, EventType.RELEASED, {"reason": reason})


def transfer(
    record: Record, actor: Actor, now: datetime, *, to: Actor | None, text: str | None
) -> Change | None:
    """To a named person, who accepts by claiming within the policy's accept window.

    `text`: a word along, for whom it goes to.
    """
    to = must_be_somebody(to)
    must_work(actor)
    must_not_be_final(record)
    must_be(record, HandoffStatus.CLAIMED)
    must_hold_or_lead(record, actor)
    if record.transfer_to is not None and record.transfer_to.id == to.id:
        return None
    if record.claimed_by is not None and record.claimed_by.id == to.id:
        raise WrongState(f"{to.name} has it already.", handoff_status=record.status.value)
    must_be_able_to_claim(record, to)
    return Change(
        event=EventType.TRANSFERRED,
        values={
            "transfer_to": Person(to.id, to.name),
            "transfer_until": now + timedelta(seconds=record.policy.accept_window),
        },
        tells=Tells.NAMED,
        details={"to": {"id": to.id, "name": to.name}, "text": text},
    )


def _first_claim(record: Record, actor: Actor, now: datetime) -> dict[str, Any]:
    """Times never move: time-to-claim counts the first claim, whatever comes after it.

    To pick parked work up answers no escalation.
    """
    if record.first_claimed_at is not None or record.intent is Intent.PARK:
        return {}
    return {
        "first_claimed_at": now,
        "first_claimed_by_id": actor.id,
        "first_claimed_round": record.round,
        "first_claimed_level": record.level if record.round else None,
    }


def lease_end(record: Record, now: datetime) -> datetime | None:
    lease = record.policy.claim_lease
    return None if lease is None else now + timedelta(seconds=lease)


def _extend_lease(record: Record, now: datetime) -> Change | None:
    if record.lease_until is None:
        return None
    values = {"lease_until": lease_end(record, now), "lease_reminded_at": None}
    return Change(event=None, values=values)


def _take_back(record: Record, now: datetime) -> Change:
    named = record.transfer_to
    assert named is not None  # noqa: S101 - the caller has just looked
    return Change(
        event=EventType.CLAIMED,
        values={
            **NOT_WAITING,
            "claimed_by": record.claimed_by,
            "lease_until": lease_end(record, now),
        },
        tells=Tells.NAMED,
        named=named,
        details={"back_from": {"id": named.id, "name": named.name}},
    )


def _is_named(record: Record, actor: Actor) -> bool:
    return record.transfer_to is not None and record.transfer_to.id == actor.id
