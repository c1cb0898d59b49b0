"""Looking ahead: whom a policy would tell, when and by which channel, if nobody claimed. Pure.

Warnings say what a policy allows, but its author may not have meant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from handoff.contract.people import Endpoint
from handoff.contract.policy import Level, Policy
from handoff.contract.words import Priority
from handoff.rules.attention import why_not
from handoff.rules.channels import known
from handoff.rules.policy import told_besides
from handoff.rules.roster import Member, Roster


@dataclass(frozen=True, slots=True)
class Question:
    """The escalation to look ahead for."""

    at: datetime
    priority: Priority = Priority.NORMAL
    escalator_id: UUID | None = None
    session_team_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A channel by which a person would not be told, and which choice of theirs says so."""

    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """One person of a round."""

    id: UUID
    name: str
    channels: tuple[str, ...]
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """Something to think about. `user_id`: whom it is about, if one person."""

    type: str
    message: str
    user_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class PreviewRound:
    """One round. `level` is the index in the policy's levels; seconds count from the escalation."""

    round: int
    level: int
    after_seconds: float
    wait_seconds: float
    recipients: tuple[Told, ...]
    endpoints: tuple[Endpoint, ...]
    warnings: tuple[Warned, ...]


def preview(policy: Policy, roster: Roster, question: Question) -> Iterator[PreviewRound]:
    """Round by round, as the engine would run them if nobody claimed.

    A round that reaches nobody waits for nobody: the next level's turn comes at once.
    """
    after, number = 0.0, 0
    before: set[UUID] = set()
    for index, level in enumerate(policy.levels):
        wait = level.waits[question.priority]
        people = [*roster.named(level, but=question.escalator_id)]
        about_level = [*_about_level(index, level, people, roster, before, question)]
        before |= {member.id for member in people}
        for repeat in range(level.repeat):
            number += 1
            moment = question.at + timedelta(seconds=after)
            told = tuple(_told(member, level, question.priority, moment) for member in people)
            named = tuple(roster.places(known(level.channels), question.session_team_id))
            besides = told_besides(policy) if number == 1 else []
            places = (*named, *roster.places(besides, question.session_team_id))
            warnings = (*_about_round(told, places), *(about_level if repeat == 0 else ()))
            reaches = bool(named) or any(person.channels for person in told)
            if not reaches and index < len(policy.levels) - 1:
                passed = Warned("level_passed", "Nobody is reached: the next level comes at once.")
                yield PreviewRound(number, index, after, 0.0, told, places, (*warnings, passed))
                break
            yield PreviewRound(number, index, after, wait, told, places, warnings)
            after += wait


def _told(member: Member, level: Level, priority: Priority, moment: datetime) -> Told:
    reasons = {
        row.name: why_not(member.choices, row.name, priority, moment)
        for row in known(level.channels)
        if row.reaches_people
    }
    return Told(
        id=member.id,
        name=member.name,
        channels=tuple(channel for channel, reason in reasons.items() if reason is None),
        skipped=tuple(Skipped(channel, reason) for channel, reason in reasons.items() if reason),
    )


def _about_round(told: Sequence[Told], places: Sequence[Endpoint]) -> Iterator[Warned]:
    reached = [person for person in told if person.channels]
    if not reached and not places:
        yield Warned("nobody", "Nobody would be told in this round.")
    if len(reached) == 1 and not places:
        alone = reached[0]
        yield Warned("only_one", f"Only {alone.name} would be told in this round.", alone.id)
    for person in told:
        if any(skipped.reason == "quiet_hours" for skipped in person.skipped):
            yield Warned("quiet_hours", f"{person.name} has quiet hours then.", person.id)
        if not person.channels:
            message = f"{person.name} would not be told by any of this level's channels."
            yield Warned("person_without_channel", message, person.id)


def _about_level(
    index: int,
    level: Level,
    people: Sequence[Member],
    roster: Roster,
    before: set[UUID],
    question: Question,
) -> Iterator[Warned]:
    if len(level.channels) == 1:
        yield Warned("single_channel", f"This level tells people by {level.channels[0]} alone.")
    for row in known(level.channels):
        if row.reaches_people:
            continue
        if next(roster.places([row], question.session_team_id), None) is None:
            message = f"The account has set up nothing that {row.label} could reach."
            yield Warned("channel_without_endpoint", message)
    if index > 0 and people and before.issuperset(member.id for member in people):
        yield Warned("nobody_new", "Everybody of this level has been told by an earlier one.")
    team = question.session_team_id
    if team is not None and people and all(member.team_id != team for member in people):
        yield Warned("outside_team", "Nobody of the session's own team is told at this level.")
