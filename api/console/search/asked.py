"""What the search page's address asks for. Whatever cannot be read there is as if it were not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Depends, Query

from api.console.search.counted import MOST, Counted, Line, WhatIsCounted, as_id, as_word
from api.endpoints.paging import read_cursor
from api.routes.search import SOUGHT_CHARACTERS, as_place
from handoff.contract.words import HandoffStatus, Priority
from handoff.database.reading.search import Filters, SearchPlace
from handoff.errors import Invalid
from handoff.rules.sought import sought

MOST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """As the form has it. `since` and `until` are days of the reader's, the last one included.

    `rows`: the ones of this list that the page shows already, and wants as they are now.
    """

    q: str
    status: HandoffStatus | None
    priority: Priority | None
    team: UUID | None
    person: UUID | None
    since: date | None
    until: date | None
    zone: str
    cursor: str
    counted: Counted
    rows: Sequence[UUID] = ()

    @property
    def is_narrow(self) -> bool:
        """Whether anything but words is asked for."""
        chosen = (self.status, self.priority, self.team, self.person, self.since, self.until)
        return any(chosen) or self.counted.is_any

    def address(self, path: str, **changes: str) -> str:
        """The same question somewhere else, or from somewhere else on."""
        said = {
            "q": self.q,
            "status": self.status,
            "priority": self.priority,
            "team": self.team,
            "person": self.person,
            "from": self.since,
            "to": self.until,
            "zone": self.zone if self.since or self.until else "",
            **self.counted.said,
            **changes,
        }
        query = urlencode({name: str(value) for name, value in said.items() if value})
        return f"{path}?{query}" if query else path

    def filters(self, reader_id: UUID | None, *, limit: int) -> Filters:
        """For the database."""
        zone, counted = _zone(self.zone), self.counted
        since = (_midnight(self.since, zone), counted.since)
        until = (_midnight(self.until and self.until + timedelta(days=1), zone), counted.until)
        return Filters(
            sought=sought(self.q) if self.q.strip() else None,
            statuses=(self.status,) if self.status else (),
            priorities=(self.priority,) if self.priority else (),
            team_id=self.team,
            person_id=self.person,
            intent=counted.intent,
            outcomes=(counted.outcome,) if counted.outcome else (),
            claimed_by_id=counted.claimed_by,
            claimed_first_by_id=counted.claimed_first_by,
            since=max(filter(None, since), default=None),
            until=min(filter(None, until), default=None),
            reader_id=reader_id,
            limit=limit,
            after=self.after(),
        )

    def after(self) -> SearchPlace | None:
        """From where on; a cursor that is none of ours starts at the beginning."""
        try:
            return read_cursor(self.cursor, as_place) if self.cursor else None
        except Invalid:
            return None

    def whole(self) -> "Asked":
        """From the beginning."""
        return replace(self, cursor="")


async def _asked(
    counted: WhatIsCounted,
    q: Line = "",
    status: Line = "",
    priority: Line = "",
    team: Line = "",
    person: Line = "",
    since: Annotated[str, Query(alias="from", max_length=MOST)] = "",
    until: Annotated[str, Query(alias="to", max_length=MOST)] = "",
    zone: Line = "",
    cursor: Line = "",
    row: Annotated[list[UUID] | None, Query(max_length=MOST_ROWS)] = None,
) -> Asked:
    return Asked(
        q=q.replace("\x00", "")[:SOUGHT_CHARACTERS],
        status=as_word(HandoffStatus, status),
        priority=as_word(Priority, priority),
        team=as_id(team),
        person=as_id(person),
        since=_day(since),
        until=_day(until),
        zone=zone,
        cursor=cursor,
        counted=counted,
        rows=row or (),
    )


WhatIsAsked = Annotated[Asked, Depends(_asked)]


def _day(said: str) -> date | None:
    try:
        day = date.fromisoformat(said)
    except ValueError:
        return None
    return day if 2000 <= day.year < 3000 else None


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def _midnight(day: date | None, zone: tzinfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone).astimezone(UTC)
