"""What the clock does to a handoff: the next step, when it is due, and what it changes.

`next_step` serves both the workflow, which waits for it, and the API, which tells people of it,
so what is announced is what happens.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from handoff.contract.record import NextAction, Record, Step
from handoff.contract.words import EventType, HandoffStatus, SessionStatus, SkipReason, StepKind
from handoff.rules.change import Change, Tells
from handoff.rules.policy import describe_targets, next_level
from handoff.rules.reopening import NOT_WAITING, reopen

LEASE_REMINDER = 0.75
"""The claimer is reminded after this part of the lease."""


def next_step(record: Record) -> Step | None:
    """The one thing that the clock will do next, or None when only people can."""
    match record.status:
        case HandoffStatus.PARKED:
            return _parked(record)
        case HandoffStatus.OPEN:
            return _open(record)
        case HandoffStatus.CLAIMED:
            return _claimed(record)
        case HandoffStatus.RESOLVED | HandoffStatus.CANCELLED | HandoffStatus.EXPIRED:
            return None


def _parked(record: Record) -> Step | None:
    if record.remind_at is None or record.reminded_at is not None:
        return None
    return Step(StepKind.REMIND_PARKER, record.remind_at)


def _open(record: Record) -> Step | None:
    if record.deadline_at is not None:
        more = record.round < record.rounds_total
        return Step(StepKind.START_ROUND if more else StepKind.EXHAUST, record.deadline_at)
    return None if record.expires_at is None else Step(StepKind.EXPIRE, record.expires_at)


def _claimed(record: Record) -> Step | None:
    if record.transfer_until is not None:
        return Step(StepKind.LAPSE_TRANSFER, record.transfer_until)
    if record.lease_until is None or record.policy.claim_lease is None:
        return None
    if record.lease_reminded_at is not None:
        return Step(StepKind.END_LEASE, record.lease_until)
    left = timedelta(seconds=record.policy.claim_lease * (1 - LEASE_REMINDER))
    return Step(StepKind.REMIND_CLAIMER, record.lease_until - left)


def can_skip_level(record: Record) -> bool:
    """Whether a round waits for its deadline while another level stands behind it."""
    return (
        record.status is HandoffStatus.OPEN
        and record.snoozed_until is None
        and record.deadline_at is not None
        and record.round > 0
        and record.level < len(record.policy.levels) - 1
    )


def take_step(record: Record, kind: StepKind, now: datetime, retention: timedelta) -> Change | None:
    """The change that a due step makes; None when the record calls for another one by now."""
    if kind is StepKind.SKIP_LEVEL:
        return _skip_level(record, now) if can_skip_level(record) else None
    due = next_step(record)
    if due is None or due.kind is not kind:
        return None
    match kind:
        case StepKind.START_ROUND:
            return _start_round(record, now)
        case StepKind.EXHAUST:
            return _exhaust(now, retention)
        case StepKind.EXPIRE:
            return _expire(record, now)
        case StepKind.REMIND_PARKER:
            return Change(EventType.REMINDED, {"reminded_at": now}, tells=Tells.ESCALATOR)
        case StepKind.LAPSE_TRANSFER:
            return reopen(record, now, EventType.RELEASED, {"reason": "transfer lapsed"})
        case StepKind.REMIND_CLAIMER:
            return Change(EventType.REMINDED, {"lease_reminded_at": now}, tells=Tells.CLAIMER)
        case StepKind.END_LEASE:
            return reopen(record, now, EventType.RELEASED, {"reason": "lease expired"})


def _start_round(record: Record, now: datetime) -> Change:
    level, level_round = next_level(record)
    wait = record.policy.levels[level].waits[record.priority]
    number = record.round + 1
    return Change(
        event=EventType.NOTIFIED if number == 1 else EventType.RE_ESCALATED,
        values={
            "round": number,
            "level": level,
            "level_round": level_round,
            "deadline_at": now + timedelta(seconds=wait),
            "snoozed_until": None,
        },
        tells=Tells.ROUND,
        # Whom a call names is asked again when it leaves, and that may be in a later round.
        details={"level": level},
    )


def _skip_level(record: Record, now: datetime) -> Change:
    """The rest of this level's rounds would reach nobody either: the next level starts."""
    repeat = record.policy.levels[record.level].repeat
    total = record.rounds_total - max(repeat - record.level_round, 0)
    change = _start_round(replace(record, level_round=repeat), now)
    return replace(change, values={**change.values, "rounds_total": total})


def _exhaust(now: datetime, retention: timedelta) -> Change:
    return Change(
        event=EventType.EXHAUSTED,
        values={"exhausted_at": now, "deadline_at": None, "expires_at": now + retention},
        tells=Tells.ESCALATOR_AND_OWNERS,
    )


def _expire(record: Record, now: datetime) -> Change:
    return Change(
        event=EventType.EXPIRED,
        values={**NOT_WAITING, "status": HandoffStatus.EXPIRED, "resolved_at": now},
        session={"status": SessionStatus.ACTIVE, "holder_id": record.escalator.id},
        skips=SkipReason.SUPERSEDED,
        tells=Tells.TOLD,
    )


def next_action(record: Record) -> NextAction | None:
    """The next step in words: what, when, to whom. True at every moment, engine up or down."""
    step = next_step(record)
    if step is None:
        return None
    holder = record.claimed_by.name if record.claimed_by else None
    match step.kind:
        case StepKind.START_ROUND | StepKind.SKIP_LEVEL:
            level = record.policy.levels[next_level(record)[0]]
            return NextAction("notify", step.at, describe_targets(level), record.round + 1)
        case StepKind.EXHAUST:
            return NextAction("exhaust", step.at, "the escalator and the owners", None)
        case StepKind.EXPIRE:
            return NextAction("expire", step.at, record.escalator.name, None)
        case StepKind.REMIND_PARKER:
            return NextAction("remind", step.at, record.escalator.name, None)
        case StepKind.REMIND_CLAIMER:
            return NextAction("remind", step.at, holder, None)
        case StepKind.LAPSE_TRANSFER | StepKind.END_LEASE:
            return NextAction("return_to_queue", step.at, "everyone who was told", None)
