"""The preview over HTTP: what it foretells is what then happens; it sends and changes nothing."""

from typing import Any
from uuid import uuid4

import pytest

from tests.support.cast import AMIR, BILLING, BO, CHEN, HUGO, NETWORK, OLIVE, PLATFORM
from tests.support.desk import Desk


async def ahead(desk: Desk, **question: Any) -> dict[str, Any]:
    answer = await desk.http(AMIR).post("/policy/preview", json=question)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def told(one: dict[str, Any]) -> dict[str, list[str]]:
    return {person["name"]: person["channels"] for person in one["recipients"]}


@pytest.mark.desk(worker=False)
async def test_the_default_round_by_round(desk: Desk) -> None:
    shown = await ahead(desk, escalator_id=str(BO.id), priority="urgent")
    assert [one["after_seconds"] for one in shown["rounds"]] == [0, 300, 600, 900, 1200]
    assert shown["exhausted_after_seconds"] == 1500
    for one in shown["rounds"]:
        assert told(one) == {name: ["email", "push"] for name in ("Amir", "Chen", "Olive")}
        assert one["warnings"] == []


async def test_what_it_foretells_is_what_happens(desk: Desk) -> None:
    desk.mail_matters = False
    off = {"email": {"enabled": False}, "push": {"minimum_priority": "high"}}
    await desk.http(CHEN).put("/me/notifications", json=off)
    targets = [{"kind": "role", "value": "engineer"}, {"kind": "user", "value": str(OLIVE.id)}]
    policy = {"levels": [{"targets": targets, "wait": "5m"}]}
    for priority in ("normal", "high"):
        question = {"policy": policy, "escalator_id": str(BO.id), "priority": priority}
        foretold = (await ahead(desk, **question))["rounds"][0]
        assert (await desk.http(AMIR).put("/policy", json=policy)).status_code == 200
        handoff = await desk.escalate(BO, priority=priority)
        await desk.until_handoff(handoff, round=1)
        rows = [row for row in await desk.deliveries(handoff) if row["round"] == 1]
        happened = {
            (row["recipient"]["name"], row["channel"], row["reason"] == "opted_out") for row in rows
        }
        assert happened == {
            *((name, channel, False) for name, some in told(foretold).items() for channel in some),
            *(
                (person["name"], skipped["channel"], True)
                for person in foretold["recipients"]
                for skipped in person["skipped"]
            ),
        }


@pytest.mark.desk(worker=False)
async def test_it_changes_nothing(desk: Desk) -> None:
    policy = {"levels": [{"targets": [{"kind": "account"}], "wait": "1m", "channels": ["push"]}]}
    shown = await ahead(desk, policy=policy)
    assert [one["type"] for one in shown["rounds"][0]["warnings"]] == ["single_channel"]
    assert (await desk.http(AMIR).get("/policy")).json()["is_default"] is True


@pytest.mark.desk(worker=False)
async def test_quiet_hours_at_the_time_that_is_asked_for(desk: Desk) -> None:
    quiet = {"start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"}
    await desk.http(CHEN).put("/me/notifications", json={"quiet_hours": quiet})
    night = (await ahead(desk, at="2026-01-15T22:30:00Z"))["rounds"][0]
    assert told(night)["Chen"] == []
    assert {one["type"] for one in night["warnings"]} == {"quiet_hours", "person_without_channel"}
    assert {one["user_id"] for one in night["warnings"]} == {str(CHEN.id)}
    day = (await ahead(desk, at="2026-01-15T12:30:00Z"))["rounds"][0]
    assert told(day)["Chen"] == ["email", "push"]


@pytest.mark.desk(worker=False)
async def test_the_sessions_own_team(desk: Desk) -> None:
    of_network = await ahead(desk, session_team_id=str(NETWORK))
    assert of_network["rounds"][0]["warnings"] == []
    of_billing = await ahead(desk, session_team_id=str(BILLING))
    assert [one["type"] for one in of_billing["rounds"][0]["warnings"]] == ["outside_team"]


@pytest.mark.desk(worker=False)
async def test_who_is_unknown_or_foreign_is_refused_alike(desk: Desk) -> None:
    for team, who in ((PLATFORM, HUGO.id), (uuid4(), uuid4())):
        question = {"session_team_id": str(team), "escalator_id": str(who)}
        answer = await desk.http(AMIR).post("/policy/preview", json=question)
        assert answer.status_code == 422
        assert [(error["path"], error["type"]) for error in answer.json()["errors"]] == [
            ("body/escalator_id", "unknown_user"),
            ("body/session_team_id", "unknown_team"),
        ]


@pytest.mark.desk(worker=False)
async def test_a_faulty_policy_is_refused_by_the_path_in_the_question(desk: Desk) -> None:
    target = {"kind": "user", "value": str(HUGO.id)}
    policy = {"levels": [{"targets": [target], "wait": "15m"}]}
    answer = await desk.http(AMIR).post("/policy/preview", json={"policy": policy})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["path"] == "body/policy/levels/0/targets/0/value"
