"""The numbers on escalations, in JSON, each with its definition beside it."""

import re
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, Field

from api.schemas.texts import Moment
from handoff.contract.words import HandoffStatus, Outcome, Priority
from handoff.database.reading.analytics import Day, Report, Span, Unanswered

DEFAULT_SPAN = timedelta(days=30)
LONGEST_SPAN = timedelta(days=366)

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ].+")


def _read(value: Any) -> Any:
    """A date alone means its first moment, UTC. Bare numbers mean nothing here."""
    if isinstance(value, str) and _DATE.fullmatch(value):
        return f"{value}T00:00:00Z"
    if isinstance(value, str) and not _TIME.fullmatch(value):
        raise ValueError("must be a date or a time such as 2026-01-31T12:00:00Z")
    return value


DayOrMoment = Annotated[Moment, BeforeValidator(_read)]

DEFINITIONS = {
    "escalation": "A handoff with intent `escalate`, promoted ones included, whose `created_at` "
    "lies in the range: `from` included, `to` not. Parked ones do not count.",
    "by_state": "Their states at this moment.",
    "by_priority": "Their priorities.",
    "answered": "Escalations that were claimed at least once, whatever happened to them since.",
    "by_round": "Answered escalations by the round that ran at their first claim; 0: claimed "
    "before the first round.",
    "time_to_claim": "Seconds from `created_at` (of parked work: from when it was escalated) to "
    "the first claim, over the answered ones; a "
    "release or a second claim does not change it. p50 and p90 are interpolated percentiles.",
    "by_level": "Answered escalations by the policy's level that was called at their first claim, "
    "from 0; those of older versions say none.",
    "by_outcome": "Resolved ones by their outcome.",
    "time_to_resolve": "Seconds from the same beginning to the resolution, over the resolved ones.",
    "by_team": "By the team of their session at this moment (null: of none): how many, how many "
    "answered, how many unanswered at the end (exhausted or expired; what still waits is no "
    "failure), and the median time to claim in seconds.",
    "by_hour": "By the hour of the week of `created_at`, from 0 on Monday, in `time_zone`: how "
    "many, and the median time to claim in seconds. Hours without any are left out.",
    "load": "Who has how many claimed at this moment, whenever they were created, and since when "
    "the longest.",
    "unanswered": "Escalations that were never claimed and not withdrawn: `waiting` (open, rounds "
    "still run or are snoozed), `exhausted` (open after the last round) and `expired`.",
    "withdrawn": "Escalations that were cancelled before anybody claimed them.",
    "total": "All escalations: answered, unanswered and withdrawn together.",
    "per_claimer": "First claims by who made them: how many, and the median of their times to "
    "claim in seconds.",
    "per_day": "By the UTC day of `created_at`: how many were created, and how many of those have "
    "been answered or are unanswered at this moment.",
}


class TimesView(BaseModel):
    """In seconds; null where there is nothing to count."""

    p50: float | None
    p90: float | None
    mean: float | None


class TeamView(BaseModel):
    """One team's escalations; of those of no team, id and name are null."""

    id: UUID | None
    name: str | None
    total: int
    answered: int
    unanswered: int
    p50: float | None = Field(description="Seconds")


class HourView(BaseModel):
    """One hour of the week."""

    weekday: int = Field(description="0 is Monday")
    hour: int
    created: int
    p50: float | None = Field(description="Seconds")


class LoadView(BaseModel):
    """What somebody has at this moment."""

    id: UUID
    name: str
    holding: int
    since: datetime


class ClaimerView(BaseModel):
    """One person's first claims."""

    id: UUID
    name: str
    count: int
    median: float = Field(description="Seconds")


class DayView(BaseModel):
    """What was created on one day, and what became of it."""

    date: date
    created: int
    claimed: int
    unanswered: int


class EscalationReport(BaseModel):
    """The numbers of one range."""

    since: datetime = Field(serialization_alias="from")
    until: datetime = Field(serialization_alias="to")
    total: int
    answered: int
    unanswered: Unanswered
    withdrawn: int
    time_to_claim: TimesView
    time_to_resolve: TimesView
    by_state: dict[HandoffStatus, int]
    by_priority: dict[Priority, int]
    by_outcome: dict[Outcome, int]
    by_round: dict[int, int]
    by_level: dict[int, int]
    by_team: list[TeamView]
    by_hour: list[HourView]
    per_claimer: list[ClaimerView]
    load: list[LoadView]
    per_day: list[DayView]
    definitions: dict[str, str] = DEFINITIONS

    @classmethod
    def of(cls, span: Span, report: Report) -> "EscalationReport":
        """As people read it."""
        return cls(
            since=span.start,
            until=span.end,
            total=report.total,
            answered=report.answered,
            unanswered=report.unanswered,
            withdrawn=report.withdrawn,
            time_to_claim=TimesView(**asdict(report.to_claim)),
            time_to_resolve=TimesView(**asdict(report.to_resolve)),
            by_state=report.by_state,
            by_priority=report.by_priority,
            by_outcome=report.by_outcome,
            by_round=report.by_round,
            by_level=report.by_level,
            by_team=[TeamView(**asdict(one)) for one in report.by_team],
            by_hour=[HourView(**asdict(one)) for one in report.by_hour],
            per_claimer=[ClaimerView(**asdict(one)) for one in report.claimers],
            load=[LoadView(**asdict(one)) for one in report.loads],
            per_day=_every_day(span, report.days),
        )


def _every_day(span: Span, days: list[Day]) -> list[DayView]:
    """Days on which nothing was created stand there too."""
    known = {day.date: day for day in days}
    first = span.start.date()
    last = (span.end - timedelta(microseconds=1)).date()
    wanted = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [_day(known.get(one, Day(one, 0, 0, 0))) for one in wanted]


def _day(day: Day) -> DayView:
    return DayView(
        date=day.date, created=day.created, claimed=day.claimed, unanswered=day.unanswered
    )
