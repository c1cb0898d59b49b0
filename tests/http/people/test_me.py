"""The caller themselves: who they are, and how they want to be told."""

from typing import Any

import pytest

from tests.support.cast import ACME, AMIR, BO, CHEN, NETWORK, OLIVE, VERA
from tests.support.desk import Desk

PATH = "/me/notifications"
QUIET = {"start": "22:00", "end": "07:00", "time_zone": "Europe/Berlin"}


@pytest.mark.desk(worker=False)
async def test_who_they_are(desk: Desk) -> None:
    assert (await desk.http(BO).get("/me")).json() == {
        "id": str(BO.id),
        "name": "Bo",
        "email": "bo@acme.test",
        "role": "engineer",
        "account": {"id": str(ACME), "name": "Acme"},
        "team": {"id": str(NETWORK), "name": "Network"},
    }
    assert (await desk.http(OLIVE).get("/me")).json()["team"] is None
    assert (await desk.http(VERA).get("/me")).json()["role"] == "viewer"
    assert (await desk.http().get("/me")).status_code == 401


@pytest.mark.desk(worker=False)
async def test_everything_always_unless_they_say_otherwise(desk: Desk) -> None:
    every = {"enabled": True, "minimum_priority": "low"}
    default = {"email": every, "push": every, "quiet_hours": None, "follow_ups": True}
    assert (await desk.http(VERA).get(PATH)).json() == default
    chosen = {"push": {"enabled": False}, "quiet_hours": QUIET, "follow_ups": False}
    put = await desk.http(VERA).put(PATH, json=chosen)
    assert put.status_code == 200
    assert put.json() == default | chosen | {"push": every | {"enabled": False}}
    assert (await desk.http(VERA).get(PATH)).json() == put.json()
    assert (await desk.http(BO).get(PATH)).json() == default
    assert (await desk.http(VERA).put(PATH, json=default)).json() == default


@pytest.mark.desk(worker=False)
@pytest.mark.parametrize(
    ("chosen", "at"),
    [
        ({"quiet_hours": QUIET | {"time_zone": "Mars/Olympus"}}, "body/quiet_hours/time_zone"),
        ({"quiet_hours": QUIET | {"time_zone": "../../etc/passwd"}}, "body/quiet_hours/time_zone"),
        ({"quiet_hours": QUIET | {"time_zone": "Europe"}}, "body/quiet_hours/time_zone"),
        ({"quiet_hours": QUIET | {"time_zone": "\x00"}}, "body/quiet_hours/time_zone"),
        ({"quiet_hours": QUIET | {"start": "24:00"}}, "body/quiet_hours/start"),
        ({"quiet_hours": QUIET | {"end": "7 o'clock"}}, "body/quiet_hours/end"),
        ({"quiet_hours": QUIET | {"end": "22:00"}}, "body/quiet_hours"),
        ({"quiet_hours": {"start": "22:00"}}, "body/quiet_hours/end"),
        ({"email": {"minimum_priority": "huge"}}, "body/email/minimum_priority"),
        ({"sms": {"enabled": True}}, "body/sms"),
    ],
)
async def test_what_is_refused_by_its_path(desk: Desk, chosen: Any, at: str) -> None:
    answer = await desk.http(BO).put(PATH, json=chosen)
    assert answer.status_code == 422
    assert at in [error["path"] for error in answer.json()["errors"]]


async def test_who_wants_no_mail_gets_none_and_the_ledger_says_why(desk: Desk) -> None:
    await desk.http(CHEN).put(PATH, json={"email": {"minimum_priority": "high"}})
    handoff = await desk.escalate(BO, priority="normal")
    await desk.expect_mails((AMIR, OLIVE), handoff, round=1)
    rows = await desk.deliveries(handoff)
    of_chen = {row["channel"]: row for row in rows if row["recipient"]["name"] == "Chen"}
    assert (of_chen["email"]["state"], of_chen["email"]["reason"]) == ("skipped", "opted_out")
    assert of_chen["push"]["state"] in ("queued", "published", "seen")
