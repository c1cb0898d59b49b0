"""The rules as such: no state lets two people hold a handoff, and what is announced happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.email.wording import LETTERS
from handoff.contract.people import Actor, Person
from handoff.contract.policy import Level, Policy, Target
from handoff.contract.record import Record
from handoff.contract.words import (
    FINAL,
    Command,
    EventType,
    HandoffStatus,
    Intent,
    Outcome,
    Priority,
    Role,
    StepKind,
    TargetKind,
)
from handoff.errors import AlreadyClaimed, Forbidden, HandoffClosed, OwnEscalation, Refusal
from handoff.rules import commands
from handoff.rules.change import Change, Tells
from handoff.rules.channels import EMAIL
from handoff.rules.policy import (
    default_policy,
    next_level,
    policy_from_json,
    policy_to_json,
)
from handoff.rules.steps import next_action, next_step, take_step
from handoff.rules.telling import told_as

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
ACCOUNT = UUID(int=1)
DEFAULT = default_policy(timedelta(minutes=15), 5)
PEOPLE = [Person(UUID(int=10 + number), f"Person {number}") for number in range(4)]


def _record(**fields: Any) -> Record:
    usual: dict[str, Any] = {
        "id": UUID(int=2),
        "session_id": UUID(int=3),
        "session_title": "VPN",
        "account_id": ACCOUNT,
        "team_id": None,
        "intent": Intent.ESCALATE,
        "priority": Priority.NORMAL,
        "status": HandoffStatus.OPEN,
        "engineer_notes": None,
        "context": None,
        "escalator": PEOPLE[0],
        "created_at": NOW,
        "policy": DEFAULT,
        "level_round": 1,
        "round": 1,
        "rounds_total": 5,
        "deadline_at": NOW + timedelta(minutes=15),
        "version": 3,
    }
    return Record(**(usual | fields))


def _actor(person: Person, role: Role = Role.ENGINEER) -> Actor:
    return Actor(person.id, ACCOUNT, person.name, "a@b.test", role, None)


@st.composite
def _records(draw: st.DrawFn) -> Record:
    status = draw(st.sampled_from(HandoffStatus))
    claimed = status in (HandoffStatus.CLAIMED, HandoffStatus.RESOLVED)
    maybe_time = st.none() | st.just(NOW - timedelta(hours=1)) | st.just(NOW + timedelta(hours=1))
    return _record(
        status=status,
        intent=draw(st.sampled_from(Intent)),
        priority=draw(st.sampled_from(Priority)),
        claimed_by=draw(st.sampled_from(PEOPLE)) if claimed else None,
        claimed_at=NOW if claimed else None,
        transfer_to=draw(st.none() | st.sampled_from(PEOPLE)) if claimed else None,
        transfer_until=draw(maybe_time) if claimed else None,
        deadline_at=draw(maybe_time) if status is HandoffStatus.OPEN else None,
        round=draw(st.integers(0, 5)),
    )


@given(_records(), st.sampled_from(PEOPLE), st.sampled_from(Role))
def test_a_claim_is_given_only_where_nobody_else_has_it(
    record: Record, person: Person, role: Role
) -> None:
    try:
        change = commands.claim(record, _actor(person, role), NOW)
    except Refusal:
        return
    assert role is not Role.VIEWER
    assert record.status not in FINAL
    holder = record.claimed_by
    named = record.transfer_to is not None and record.transfer_to.id == person.id
    assert holder is None or holder.id == person.id or named
    if change is not None and change.event is not None:
        assert change.values["claimed_by"] == person
        assert change.values["deadline_at"] is None


def _said(command: Command, record: Record) -> dict[str, Any]:
    """The words that a command needs."""
    match command:
        case Command.CLAIM | Command.PROMOTE:
            return {}
        case Command.RELEASE | Command.CANCEL:
            return {"reason": None}
        case Command.RESOLVE:
            return {"outcome": Outcome.FIXED, "note": None}
        case Command.ESCALATE_NOW:
            return {"round": record.round}
        case Command.SNOOZE:
            return {"until": NOW + timedelta(hours=1)}
        case Command.TRANSFER | Command.CALL:
            return {"to": _actor(PEOPLE[3]), "text": None}
        case Command.CHANGE:
            return {"to": {"priority": Priority.URGENT}}


@pytest.mark.parametrize("command", Command)
@given(record=_records(), person=st.sampled_from(PEOPLE), role=st.sampled_from(Role))
def test_nothing_changes_what_is_final_and_viewers_change_nothing(
    command: Command, record: Record, person: Person, role: Role
) -> None:
    decide = commands.rule(command, **_said(command, record))
    try:
        change = decide(record, _actor(person, role), NOW)
    except Refusal:
        return
    may_see_to_it = person.id == record.escalator.id and command in OF_ITS_ESCALATOR
    assert role is not Role.VIEWER or may_see_to_it
    assert change is None or record.status not in FINAL
    assert change is None or has_its_letter(change)


OF_ITS_ESCALATOR = (Command.CANCEL, Command.ESCALATE_NOW, Command.CALL, Command.CHANGE)
"""Whoever handed it off may give these, whatever they have become since."""


def has_its_letter(change: Change) -> bool:
    """Whoever is to be told of it by mail gets one that is written for it."""
    if change.event is None or change.tells is Tells.NOBODY:
        return True
    return LETTERS[change.event] is not None


@given(_records())
def test_what_is_announced_is_what_happens(record: Record) -> None:
    step = next_step(record)
    assert (step is None) == (next_action(record) is None)
    if step is None:
        return
    change = take_step(record, step.kind, step.at, timedelta(days=7))
    assert change is not None
    assert has_its_letter(change)
    for other in StepKind:
        if other not in (step.kind, StepKind.SKIP_LEVEL):
            assert take_step(record, other, step.at, timedelta(days=7)) is None


def test_a_round_that_reaches_nobody_says_so() -> None:
    change = take_step(_record(deadline_at=NOW), StepKind.START_ROUND, NOW, timedelta(days=7))
    assert change is not None
    assert told_as(change, reaches_somebody=True) is EventType.RE_ESCALATED
    assert told_as(change, reaches_somebody=False) is EventType.NO_RECIPIENTS
    no_round = Change(event=EventType.SNOOZED, values={})
    assert told_as(no_round, reaches_somebody=False) is EventType.SNOOZED


def test_refusals_say_what_a_client_needs() -> None:
    taken = _record(status=HandoffStatus.CLAIMED, claimed_by=PEOPLE[1], claimed_at=NOW)
    with pytest.raises(AlreadyClaimed) as lost:
        commands.claim(taken, _actor(PEOPLE[2]), NOW)
    assert lost.value.facts["claimed_by"]["name"] == "Person 1"
    with pytest.raises(OwnEscalation):
        commands.claim(_record(), _actor(PEOPLE[0]), NOW)
    with pytest.raises(HandoffClosed):
        commands.claim(_record(status=HandoffStatus.EXPIRED), _actor(PEOPLE[2]), NOW)
    with pytest.raises(Forbidden):
        commands.claim(_record(), _actor(PEOPLE[2], Role.VIEWER), NOW)


def test_the_default_waits_are_in_proportion() -> None:
    [level] = DEFAULT.levels
    assert {priority.value: wait / 60 for priority, wait in level.waits.items()} == {
        "urgent": pytest.approx(5),
        "high": pytest.approx(10),
        "normal": 15,
        "low": 60,
    }


def test_levels_follow_each_other_and_the_last_repeats() -> None:
    waits = dict.fromkeys(Priority, 60.0)
    everybody = (Target(TargetKind.ACCOUNT),)
    levels = tuple(Level(everybody, (EMAIL.name,), waits, repeat) for repeat in (2, 1))
    record = _record(policy=Policy(levels=levels), level=0, level_round=0, round=0)
    walked = []
    for _ in range(5):
        level, level_round = next_level(record)
        walked.append((level, level_round))
        record = replace(record, level=level, level_round=level_round)
    assert walked == [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]


def test_a_policy_is_read_as_it_was_written() -> None:
    assert policy_from_json(policy_to_json(DEFAULT)) == DEFAULT
