"""Answers that get lost: between us and the mail server, or on their way into the ledger."""

import asyncio
from typing import Any

import pytest

from activities.ledger import Ledger
from handoff.database.messages import settling
from handoff.database.messages.outbox import Due
from tests.support.cast import AMIR, CHEN, OLIVE, SENIORS
from tests.support.desk import Desk, Handoff


async def _mail(desk: Desk, handoff: Handoff, name: str = "Chen") -> dict[str, Any]:
    """The call to somebody by mail."""
    [row] = [
        row
        for row in await desk.deliveries(handoff)
        if (row["channel"], row["event"], row["recipient"]["name"]) == ("email", "notified", name)
    ]
    return row


async def _until(desk: Desk, handoff: Handoff, state: str) -> dict[str, Any]:
    async def has_become() -> dict[str, Any] | None:
        row = await _mail(desk, handoff)
        return row if row["state"] == state else None

    await desk.until_handoff(handoff, round=1)
    found: dict[str, Any] = await desk.until(has_become)
    return found


async def test_three_copies_are_the_most(desk: Desk) -> None:
    desk.postbox.drop_after_content(CHEN.email)
    handoff = await desk.escalate()
    row = await _until(desk, handoff, "failed")
    assert row["reason"] == "gave_up"
    assert len(row["attempts"]) == 3
    await desk.expect_mails(SENIORS, handoff)
    for _ in range(2):
        await desk.expect_mail(CHEN, handoff)


@pytest.mark.desk(smtp_retry_lost="1h")
async def test_after_a_lost_answer_the_next_try_waits(desk: Desk) -> None:
    desk.postbox.drop_after_content(CHEN.email, times=1)
    handoff = await desk.escalate()
    await desk.expect_mails((CHEN, AMIR, OLIVE), handoff)
    await _until(desk, handoff, "ambiguous")
    # A failure for now comes again and again meanwhile, and wakes the same batch each time.
    desk.postbox.refuse_recipient(451, AMIR.email, times=3)
    await desk.command(CHEN, handoff, "escalate-now", {"round": 1})
    await desk.expect_mails((AMIR, OLIVE), handoff, round=2)
    await desk.expect_mail(CHEN, handoff, round=2)
    assert (await _mail(desk, handoff))["state"] == "ambiguous"


async def _mail_is_well(desk: Desk) -> bool:
    checks = (await desk.operator().get("/readyz")).json()["checks"]
    return bool(checks["mail"]["status"] == "ok")


@pytest.mark.desk(smtp_retry_lost="1h", smtp_timeout="500ms")
async def test_the_second_lost_answer_in_a_row_is_said_by_readiness(desk: Desk) -> None:
    desk.mail_matters = False
    level = {"targets": [{"kind": "user", "value": str(CHEN.id)}], "wait": "15m"}
    assert (await desk.http(OLIVE).put("/policy", json={"levels": [level]})).status_code == 200
    desk.postbox.never_answer_content(CHEN.email)
    first = await desk.escalate(priority="urgent")
    await _until(desk, first, "ambiguous")
    assert await _mail_is_well(desk)
    await _until(desk, await desk.escalate(priority="urgent"), "ambiguous")

    async def is_said() -> bool:
        return not await _mail_is_well(desk)

    await desk.until(is_said)


async def test_an_answer_that_was_heard_is_kept_while_postgresql_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL restarts while the server says 250: the mail is not sent again."""
    settle, away = settling.settle, [ConnectionRefusedError(), ConnectionResetError()]

    async def fails_twice(tenant: Any, attempts: list[tuple[Due, Any]]) -> Any:
        if away and any(due.name == "Chen" for due, _ in attempts):
            raise away.pop()
        return await settle(tenant, attempts)

    monkeypatch.setattr(settling, "settle", fails_twice)
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff)
    row = await _until(desk, handoff, "sent")
    assert [attempt["outcome"] for attempt in row["attempts"]] == ["sent"]
    assert away == []
    await desk.until_told(handoff)


@pytest.mark.desk(smtp_connections=4, burst_window="0s")
async def test_no_more_answers_are_unwritten_than_there_are_connections(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is a mail that is sent again if the worker dies now."""
    settle, unwritten, most = Ledger.settle, 0, 0

    async def slowly(*asked: Any, **more: Any) -> Any:
        nonlocal unwritten, most
        unwritten += 1
        most = max(most, unwritten)
        await asyncio.sleep(0.1)
        said = await settle(*asked, **more)
        unwritten -= 1
        return said

    monkeypatch.setattr(Ledger, "settle", slowly)
    handoffs = await asyncio.gather(*(desk.escalate(title=f"VPN {number}") for number in range(8)))
    for handoff in handoffs:
        await desk.expect_mails(SENIORS, handoff)
        await desk.until_told(handoff)
    assert most == desk.settings.smtp_connections
