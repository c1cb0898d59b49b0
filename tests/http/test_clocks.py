"""What lies ahead is decided by PostgreSQL's clock, whatever the API's says."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from handoff.database import clock
from tests.support.cast import BO, OLIVE
from tests.support.clocks import skewed
from tests.support.desk import Desk


async def parked(desk: Desk, moment: datetime) -> httpx.Response:
    session_id = await desk.start_session()
    return await desk.hand_off(session_id, intent="park", remind_at=moment.isoformat())


async def token_made(desk: Desk, moment: datetime) -> httpx.Response:
    body: dict[str, Any] = {"name": "bot", "scopes": ["handoffs:read"]}
    return await desk.http(OLIVE).post(
        "/api-tokens", json={**body, "expires_at": moment.isoformat()}
    )


@pytest.mark.parametrize("ahead", [20, -20])
@pytest.mark.parametrize(
    ("said", "name"), [(parked, "remind_at"), (token_made, "expires_at")], ids=["reminder", "token"]
)
async def test_what_lies_ahead_postgresql_decides(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, said: Any, name: str, ahead: int
) -> None:
    skewed(monkeypatch)(timedelta(seconds=ahead), "api.")
    async with desk.database.engine_room() as connection:
        now = await clock.present(connection)
    assert (await said(desk, now + timedelta(seconds=15))).status_code == 201
    refused = await said(desk, now - timedelta(seconds=5))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["path"] == f"body/{name}"


async def test_a_handoff_that_was_taken_is_answered_again_when_its_reminder_has_come(
    desk: Desk,
) -> None:
    session_id = await desk.start_session()
    async with desk.database.engine_room() as connection:
        soon = await clock.present(connection) + timedelta(seconds=1)
    body = {"intent": "park", "remind_at": soon.isoformat()}
    key = {"Idempotency-Key": "park-1"}
    path = f"/ai-sessions/{session_id}/handoff"
    first = await desk.http(BO).post(path, json=body, headers=key)
    assert first.status_code == 201
    await desk.expect_mail(BO, says="Reminder")
    again = await desk.http(BO).post(path, json=body, headers=key)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
