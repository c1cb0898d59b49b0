"""Looking ahead: whom a policy would tell, when and by which channel, if nobody claimed. Pure.

Warnings say what a policy allows, but its author may not have meant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from handoff.contract.policy import Level, Policy
from handoff.contract.words import Channel, Priority
from handoff.rules.attention import Choices, wants
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

    channel: Channel
    reason: str


@dataclass(frozen=True, slots=True)
class Told:
    """One person of a round."""

    id: UUID
    name: str
    channels: tuple[Channel, ...]
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
    warnings: tuple[Warned, ...]


def preview(policy: Policy, roster: Roster, question: Question) -> Iterator[PreviewRound]:
    """Round by round, as the engine would run them if nobody claimed."""
    after, number = 0.0, 0
    known: set[UUID] = set()
    for index, level in enumerate(policy.levels):
        wait = level.waits[question.priority]
        people = [*roster.named(level, but=question.escalator_id)]
        about_level = [*_about_level(index, level, people, known, question)]
        known |= {member.id for member in people}
        for repeat in range(level.repeat):
            number += 1
            moment = question.at + timedelta(seconds=after)
            told = tuple(_told(member, level, question.priority, moment) for member in people)
            warnings = (*_about_round(told), *(about_level if repeat == 0 else ()))
            yield PreviewRound(number, index, after, wait, told, warnings)
            after += wait


def _told(member: Member, level: Level, priority: Priority, moment: datetime) -> Told:
    reasons = {
        channel: why_not(member.choices, channel, priority, moment) for channel in level.channels
    }
    return Told(
        id=member.id,
        name=member.name,
        channels=tuple(channel for channel, reason in reasons.items() if reason is None),
        skipped=tuple(Skipped(channel, reason) for channel, reason in reasons.items() if reason),
    )


def why_not(choices: Choices, channel: Channel, priority: Priority, moment: datetime) -> str | None:
    """Which choice of the person's own keeps this message from them; None when none does."""
    if wants(choices, channel, priority, moment):
        return None
    choice = choices.email if channel is Channel.EMAIL else choices.push
    if not choice.enabled:
        return "channel_off"
    # Urgent passes quiet hours and no minimum stands above it.
    passes_in_daylight = wants(
        Choices(email=choices.email, push=choices.push), channel, priority, moment
    )
    return "quiet_hours" if passes_in_daylight else "below_minimum_priority"


def _about_round(told: Sequence[Told]) -> Iterator[Warned]:
    reached = [person for person in told if person.channels]
    if not reached:
        yield Warned("nobody", "Nobody would be told in this round.")
    if len(reached) == 1:
        alone = reached[0]
        yield Warned("only_one", f"Only {alone.name} would be told in this round.", alone.id)
    for person in told:
        if any(skipped.reason == "quiet_hours" for skipped in person.skipped):
            yield Warned("quiet_hours", f"{person.name} has quiet hours then.", person.id)
        if not person.channels:
            message = f"{person.name} would not be told by any of this level's channels."
            yield Warned("person_without_channel", message, person.id)


def _about_level(
    index: int, level: Level, people: Sequence[Member], known: set[UUID], question: Question
) -> Iterator[Warned]:
    if len(level.channels) == 1:
        only = level.channels[0].value
        yield Warned("single_channel", f"This level tells people by {only} alone.")
    if index > 0 and people and known.issuperset(member.id for member in people):
        yield Warned("nobody_new", "Everybody of this level has been told by an earlier one.")
    team = question.session_team_id
    if team is not None and people and all(member.team_id != team for member in people):
        yield Warned("outside_team", "Nobody of the session's own team is told at this level.")
