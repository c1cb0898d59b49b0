"""How escalations were answered: every number against a past that the test wrote itself."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, text, update

from handoff.contract.words import HandoffStatus, Intent, Outcome, Priority
from handoff.database.tables import HandoffRow, SessionRow
from handoff.rules.policy import default_policy, policy_to_json
from tests.support.cast import ACME, AMIR, BO, CHEN, GINA, HUGO, NETWORK, OLIVE, VERA, Member
from tests.support.desk import Desk

pytestmark = pytest.mark.desk(worker=False)

PATH = "/analytics/escalations"
FIRST = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
RANGE = {"from": "2026-03-01", "to": "2026-03-04T00:00:00Z"}
POLICY = policy_to_json(default_policy(timedelta(minutes=15), 5))


@dataclass(frozen=True, slots=True)
class Past:
    """One handoff that was. `claimed`: after how many seconds, by whom, in which round."""

    at: datetime = FIRST
    status: HandoffStatus = HandoffStatus.OPEN
    priority: Priority = Priority.NORMAL
    intent: Intent = Intent.ESCALATE
    claimed: tuple[float, Member, int] | None = None
    level: int | None = None
    exhausted: bool = False
    title: str = "VPN drops"
    account_id: UUID = ACME
    escalator: Member = BO


async def write(desk: Desk, *past: Past) -> None:
    for one in past:
        await _write(desk, one)


async def _write(desk: Desk, one: Past) -> None:
    session_id = uuid4()
    seconds, claimer, number = one.claimed or (0, AMIR, None)
    first = one.at + timedelta(seconds=seconds) if one.claimed else None
    resolved = one.status is HandoffStatus.RESOLVED
    holds = one.status in (HandoffStatus.CLAIMED, HandoffStatus.RESOLVED)
    session = {
        "id": session_id,
        "account_id": one.account_id,
        "title": one.title,
        "holder_id": one.escalator.id,
    }
    row = {
        "id": uuid4(),
        "account_id": one.account_id,
        "session_id": session_id,
        "intent": one.intent,
        "priority": one.priority,
        "status": one.status,
        "escalator_id": one.escalator.id,
        "created_at": one.at,
        "policy": POLICY,
        "rounds_total": 5,
        "round": number or 1,
        "first_claimed_at": first,
        "first_claimed_by_id": claimer.id if one.claimed else None,
        "first_claimed_round": number,
        "first_claimed_level": one.level,
        "resolved_at": one.at + timedelta(hours=1) if resolved else None,
        "claimed_by_id": claimer.id if holds else None,
        "claimed_at": first if holds else None,
        "exhausted_at": one.at if one.exhausted else None,
        "outcome": Outcome.FIXED if resolved else None,
        "seen_version": 1,
    }
    async with desk.database.account(one.account_id) as tenant:
        await tenant.connection.execute(insert(SessionRow).values(session))
        await tenant.connection.execute(insert(HandoffRow).values(row))


DAY = timedelta(days=1)
STORY = (
    Past(status=HandoffStatus.RESOLVED, claimed=(60, AMIR, 1), priority=Priority.URGENT, level=0),
    Past(status=HandoffStatus.CLAIMED, claimed=(120, CHEN, 1), level=0),
    Past(FIRST + DAY, status=HandoffStatus.OPEN, claimed=(180, AMIR, 2), level=1),
    Past(FIRST + DAY, status=HandoffStatus.CANCELLED, claimed=(600, OLIVE, 3)),
    Past(FIRST + DAY, status=HandoffStatus.OPEN),
    Past(FIRST + DAY, status=HandoffStatus.OPEN, exhausted=True, priority=Priority.LOW),
    Past(FIRST + DAY, status=HandoffStatus.EXPIRED, exhausted=True),
    Past(FIRST + DAY, status=HandoffStatus.CANCELLED),
    # None of these count.
    Past(status=HandoffStatus.PARKED, intent=Intent.PARK),
    Past(status=HandoffStatus.CLAIMED, intent=Intent.PARK, claimed=(1, CHEN, 0)),
    Past(account_id=GINA.account_id, escalator=HUGO, claimed=(5, GINA, 1)),
)


LONGEST_HELD = "2026-03-01T23:59:01Z"
"""What was picked up from what was parked is held, too, and whenever it began."""


async def report(desk: Desk, **query: str) -> dict[str, Any]:
    answer = await desk.http(BO).get(PATH, params=RANGE | query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_every_number_of_a_known_past(desk: Desk) -> None:
    await write(desk, *STORY)
    shown = await report(desk)
    definitions = shown.pop("definitions")
    assert shown == {
        "from": "2026-03-01T00:00:00Z",
        "to": "2026-03-04T00:00:00Z",
        "total": 8,
        "answered": 4,
        "unanswered": {"total": 3, "waiting": 1, "exhausted": 1, "expired": 1},
        "withdrawn": 1,
        "time_to_claim": {
            "p50": pytest.approx(150),
            "p90": pytest.approx(474),
            "mean": pytest.approx(240),
        },
        "time_to_resolve": {
            "p50": pytest.approx(3600),
            "p90": pytest.approx(3600),
            "mean": pytest.approx(3600),
        },
        "by_outcome": {outcome.value: int(outcome is Outcome.FIXED) for outcome in Outcome},
        "by_level": {"0": 2, "1": 1},
        "by_team": [
            {
                "id": None,
                "name": None,
                "total": 8,
                "answered": 4,
                "unanswered": 2,
                "p50": pytest.approx(150),
            }
        ],
        "by_hour": [
            {"weekday": 0, "hour": 23, "created": 6, "p50": pytest.approx(390)},
            {"weekday": 6, "hour": 23, "created": 2, "p50": pytest.approx(90)},
        ],
        "load": [{"id": str(CHEN.id), "name": "Chen", "holding": 2, "since": LONGEST_HELD}],
        "by_state": {"open": 3, "claimed": 1, "resolved": 1, "cancelled": 2, "expired": 1},
        "by_priority": {"low": 1, "normal": 6, "high": 0, "urgent": 1},
        "by_round": {"1": 2, "2": 1, "3": 1},
        "per_claimer": [
            {"id": str(AMIR.id), "name": "Amir", "count": 2, "median": pytest.approx(120)},
            {"id": str(CHEN.id), "name": "Chen", "count": 1, "median": pytest.approx(120)},
            {"id": str(OLIVE.id), "name": "Olive", "count": 1, "median": pytest.approx(600)},
        ],
        "per_day": [
            {"date": "2026-03-01", "created": 2, "claimed": 2, "unanswered": 0},
            {"date": "2026-03-02", "created": 6, "claimed": 2, "unanswered": 3},
            {"date": "2026-03-03", "created": 0, "claimed": 0, "unanswered": 0},
        ],
    }
    assert {"total", *shown} - {"from", "to"} <= set(definitions)


async def test_hours_of_the_week_are_those_of_the_place_that_is_named(desk: Desk) -> None:
    await write(desk, *STORY)
    shown = await report(desk, time_zone="Asia/Tokyo")
    assert [(one["weekday"], one["hour"], one["created"]) for one in shown["by_hour"]] == [
        (0, 8, 2),
        (1, 8, 6),
    ]
    refused = await desk.http(BO).get(PATH, params=RANGE | {"time_zone": "Mars/Olympus"})
    assert refused.status_code == 422


async def test_each_team_sees_its_own(desk: Desk) -> None:
    await write(desk, Past(claimed=(60, AMIR, 1)), Past(exhausted=True), Past())
    async with desk.database.account(ACME) as tenant:
        await tenant.connection.execute(update(SessionRow).values(team_id=NETWORK))
    [team] = (await report(desk))["by_team"]
    assert (team["id"], team["name"], team["total"]) == (str(NETWORK), "Network", 3)
    # Who still waits is no failure.
    assert (team["answered"], team["unanswered"], team["p50"]) == (1, 1, pytest.approx(60))


async def test_nothing_is_dropped(desk: Desk) -> None:
    await write(desk, *STORY)
    shown = await report(desk)
    parts = shown["answered"] + shown["unanswered"]["total"] + shown["withdrawn"]
    assert parts == shown["total"] == sum(shown["by_state"].values())
    assert shown["total"] == sum(shown["by_priority"].values())
    assert shown["total"] == sum(day["created"] for day in shown["per_day"])
    assert shown["answered"] == sum(shown["by_round"].values())
    assert shown["answered"] == sum(one["count"] for one in shown["per_claimer"])
    assert shown["unanswered"]["total"] == sum(day["unanswered"] for day in shown["per_day"])


async def test_the_start_counts_and_the_end_does_not(desk: Desk) -> None:
    await write(desk, Past(FIRST), Past(FIRST + timedelta(seconds=1)))
    start, end = FIRST.isoformat(), (FIRST + timedelta(seconds=1)).isoformat()
    assert (await report(desk, **{"from": start, "to": end}))["total"] == 1


async def test_an_empty_past_has_no_times(desk: Desk) -> None:
    shown = await report(desk)
    assert shown["time_to_claim"] == {"p50": None, "p90": None, "mean": None}
    assert (shown["total"], shown["per_claimer"], shown["by_round"]) == (0, [], {})


async def test_two_clocks_never_make_a_time_below_zero(desk: Desk) -> None:
    await write(desk, Past(status=HandoffStatus.CLAIMED, claimed=(-0.4, CHEN, 1)))
    assert (await report(desk))["time_to_claim"]["p50"] == 0


@pytest.mark.desk(worker=True)
async def test_a_real_claim_release_and_promotion_count_as_they_should(desk: Desk) -> None:
    desk.mail_matters = False
    handoff, parked = await desk.escalate(BO), await desk.park(BO)
    await desk.claim(AMIR, handoff)
    await desk.command(AMIR, handoff, "release")
    await desk.claim(CHEN, handoff)
    recent = (await desk.http(BO).get(PATH)).json()
    assert (recent["total"], recent["answered"]) == (1, 1)
    assert [one["name"] for one in recent["per_claimer"]] == ["Amir"]
    await desk.command(BO, parked, "promote")
    recent = (await desk.http(BO).get(PATH)).json()
    assert (recent["total"], recent["unanswered"]["waiting"]) == (2, 1)
    assert len(recent["per_day"]) in (31, 32)


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"from": "0"},
        {"from": "2026-13-01"},
        {"from": "2026-03-01T00:00:00"},
        {"to": "0001-01-01"},
        {"to": "9999-12-31"},
        {"from": "2026-03-01", "to": "2026-03-01"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "2025-01-01", "to": "2026-01-03"},
        {"from": "2001-01-01"},
    ],
)
async def test_nonsense_is_refused(desk: Desk, query: dict[str, str]) -> None:
    answer = await desk.http(BO).get(PATH, params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] in ("query/from", "query/to")
    full = {"from": "2025-01-01", "to": "2026-01-02"}
    assert (await desk.http(BO).get(PATH, params=full)).status_code == 200


async def test_viewers_do_not_see_how_people_do(desk: Desk) -> None:
    assert (await desk.http(VERA).get(PATH)).status_code == 403
    assert (await desk.http().get(PATH)).status_code == 401


async def table(desk: Desk) -> list[dict[str, str]]:
    headers = {"Accept": "text/csv"}
    answer = await desk.http(BO).get(PATH, params=RANGE, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_the_rows_one_line_an_escalation(desk: Desk) -> None:
    await write(desk, *STORY)
    rows = await table(desk)
    assert len(rows) == 8
    claimed = next(row for row in rows if row["first_claimed_by"] == "Amir")
    assert claimed["session_title"] == "VPN drops"
    assert (claimed["priority"], claimed["state"]) == ("urgent", "resolved")
    assert float(claimed["time_to_claim_seconds"]) == pytest.approx(60)
    assert (claimed["created_at"], claimed["outcome"]) == ("2026-03-01T23:59:00Z", "fixed")
    never = next(row for row in rows if row["state"] == "expired")
    assert never["time_to_claim_seconds"] == never["first_claimed_by"] == ""


async def test_no_title_becomes_a_formula(desk: Desk) -> None:
    evil = '=HYPERLINK("http://evil.test","so, ""so""")'
    await write(desk, Past(title=evil), Past(FIRST + DAY, title="one,\ntwo"))
    assert [row["session_title"] for row in await table(desk)] == [f"'{evil}", "one,\ntwo"]


async def test_the_pages_of_a_long_table_make_one_whole(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.routes.analytics.ROWS_AT_ONCE", 3)
    await write(desk, *STORY)
    rows = await table(desk)
    assert len({row["id"] for row in rows}) == len(rows) == 8
    assert [row["created_at"] for row in rows] == sorted(row["created_at"] for row in rows)


async def test_the_range_is_found_by_its_index(desk: Desk) -> None:
    await write(desk, *STORY)
    plan = text(
        "EXPLAIN SELECT count(*) FROM handoffs WHERE intent = 'escalate' AND account_id = :account"
        " AND created_at >= :start AND created_at < :end"
    )
    values = {"account": ACME, "start": FIRST, "end": FIRST + DAY}
    async with desk.database.account(ACME) as tenant:
        await tenant.connection.execute(text("SET LOCAL enable_seqscan = off"))
        lines = (await tenant.connection.execute(plan, values)).scalars().all()
    assert any("ix_handoffs_account_id_created_at" in line for line in lines)


@pytest.mark.desk(worker=True)
async def test_picking_parked_work_up_answers_no_escalation(desk: Desk) -> None:
    desk.mail_matters = False
    parked, promoted = await desk.park(BO), await desk.park(BO)
    await desk.claim(CHEN, parked)
    await desk.command(CHEN, parked, "release")
    recent = (await desk.http(BO).get(PATH)).json()
    assert (recent["total"], recent["answered"]) == (1, 0)
    assert recent["unanswered"]["waiting"] == 1
    # Both were put down an hour ago, and are escalated now.
    async with desk.database.account(ACME) as tenant:
        hour = timedelta(hours=1)
        await tenant.connection.execute(
            update(HandoffRow).values(created_at=HandoffRow.created_at - hour)
        )
    await desk.command(BO, promoted, "promote")
    for handoff in (parked, promoted):
        assert (await desk.claim(AMIR, handoff)).status_code == 200
    recent = (await desk.http(BO).get(PATH)).json()
    assert (recent["total"], recent["answered"]) == (2, 2)
    assert [one["name"] for one in recent["per_claimer"]] == ["Amir"]
    assert recent["time_to_claim"]["p90"] < 60
