"""A program follows the account's events by webhook, as a screen does by its stream."""

import asyncio
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import update
from temporalio.client import WorkflowExecutionStatus

from handoff.database.directory.webhooks import purpose
from handoff.database.operations import sealed
from handoff.database.tables import WebhookRow
from handoff.keys import keyring_of
from handoff.sealing import unseal
from handoff.temporal import queues
from tests.support import history
from tests.support.cast import AMIR, BO, CHEN, GINA, HUGO, OLIVE
from tests.support.desk import PAYLOAD_KEYS, Desk, Handoff
from tests.support.receiver import Answer, Got, Receiver
from worker.followers import Followers

QUICK = {
    "webhook_private": "allow",
    "webhook_retry_initial": "100ms",
    "webhook_retry_maximum": "300ms",
    "webhook_takeover": "1s",
    "webhook_timeout": "2s",
    "burst_window": "0s",
}
pytestmark = pytest.mark.desk(**QUICK)


@pytest.fixture(autouse=True)
def _quiet(desk: Desk) -> None:
    desk.mail_matters = False


async def make(desk: Desk, url: str, **body: Any) -> dict[str, Any]:
    answer = await desk.http(OLIVE).post("/webhooks", json={"url": url} | body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def state(desk: Desk, made: dict[str, Any]) -> dict[str, Any]:
    seen: dict[str, Any] = (await desk.http(OLIVE).get(f"/webhooks/{made['id']}")).json()
    return seen


def answering(*answers: Answer | None) -> Callable[[Got], Any]:
    """These answers first, then 204."""
    left = [*answers]

    async def answer(_: Got) -> Answer | None:
        return left.pop(0) if left else (204, {})

    return answer


async def test_events_come_signed_in_order_as_the_stream_has_them(
    desk: Desk, receiver: Receiver
) -> None:
    await desk.park(BO)
    made = await make(desk, receiver.url)
    async with desk.listen(CHEN) as listener:
        handoff = await desk.escalate(BO, engineer_notes="Rekey fails.")
        await desk.until_told(handoff)
        await desk.claim(CHEN, handoff)
        claimed = await listener.hear("claimed")
        last = int(claimed.id or 0)
        assert (await receiver.until_got(last)).json == claimed.data
        streamed = [number for number in listener.numbers if number <= last]
        assert [number for number in receiver.numbers if number <= last] == streamed
        assert streamed == [*range(2, last + 1)]
        assert receiver.got[0].json["data"]["engineer_notes"] == "Rekey fails."
    assert all(got.is_signed_by(made["secret"]) for got in receiver.got)
    assert not receiver.got[0].is_signed_by("whsec_" + "A" * 32)
    assert receiver.connections == 1

    async def level() -> bool:
        return not (await state(desk, made))["behind"]

    await desk.until(level)
    assert (await state(desk, made))["state"] == "following"
    attempts = (await desk.http(AMIR).get(f"/webhooks/{made['id']}/attempts")).json()
    assert [one["event_number"] for one in attempts] == receiver.numbers[::-1]
    assert {(one["code"], one["cause"]) for one in attempts} == {(204, "accepted")}
    assert "secret" not in await state(desk, made)


async def test_the_receiver_in_the_docs_works(desk: Desk) -> None:
    document = Path(__file__).parents[2] / "docs" / "webhooks.md"
    code = document.read_text("utf-8").split("```python\n")[1].split("```")[0]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    made = await make(desk, f"http://127.0.0.1:{port}/")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-uc", code.replace("8080", str(port))),
        env={"SECRET": made["secret"]},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await desk.park(BO, title="VPN drops")
        assert process.stdout is not None
        async with asyncio.timeout(15):
            assert await process.stdout.readline() == b"1 handoff.parked VPN drops\n"
    finally:
        process.kill()
        await process.wait()


async def test_only_what_it_asked_for_and_as_much_as_the_account_lets_out(
    desk: Desk, receiver: Receiver
) -> None:
    await desk.http(OLIVE).put("/account", json={"content": {"webhook": "title"}})
    made = await make(desk, receiver.url, events=["claimed", "noted"])
    handoff = await desk.escalate(BO, title="VPN", engineer_notes="secret one", context={"a": "b"})
    await desk.command(CHEN, handoff, "notes", {"text": "secret two"})
    await desk.claim(CHEN, handoff)
    await receiver.until(lambda: len(receiver.got) == 2)
    assert [got.json["type"] for got in receiver.got] == ["handoff.noted", "handoff.claimed"]
    said = "".join(got.body for got in receiver.got)
    assert "VPN" in said
    assert not [typed for typed in ("secret", '"a"') if typed in said]
    # A follower that has nothing to post moves on all the same.
    await desk.command(CHEN, handoff, "release")

    async def level() -> bool:
        return not (await state(desk, made))["behind"]

    await desk.until(level)


async def test_trouble_waits_in_order_and_as_long_as_was_asked(
    desk: Desk, receiver: Receiver
) -> None:
    receiver.answer = answering(
        (500, {}), (302, {"location": receiver.url}), (503, {"retry-after": "1"}), None
    )
    made = await make(desk, receiver.url)
    handoff = await desk.escalate(BO)
    await desk.claim(CHEN, handoff)
    await receiver.until(lambda: len(set(receiver.numbers)) >= 2)
    first = receiver.numbers[0]
    assert receiver.numbers[:6] == [first] * 5 + [first + 1]
    assert len({got.id for got in receiver.got[:5]}) == 1
    attempts = (await desk.http(OLIVE).get(f"/webhooks/{made['id']}/attempts")).json()[::-1]
    assert [(one["code"], one["cause"]) for one in attempts[:5]] == [
        (500, "error_answer"),
        (302, "redirected"),
        (503, "slow_down"),
        (None, "timeout"),
        (204, "accepted"),
    ]
    stamps = [int(got.headers["webhook-timestamp"]) for got in receiver.got]
    assert stamps[3] > stamps[2]
    assert await state(desk, made) | {"state": "following", "tried": 0} == await state(desk, made)


async def test_a_replay_goes_back_under_the_same_ids_and_never_ahead(
    desk: Desk, receiver: Receiver
) -> None:
    made = await make(desk, receiver.url)
    handoff = await desk.park(BO)
    await desk.claim(CHEN, handoff)
    await desk.command(CHEN, handoff, "release", {"undo": True})
    await receiver.until(lambda: len(receiver.got) >= 3)
    had = receiver.numbers
    path = f"/webhooks/{made['id']}/replay"
    assert (await desk.http(OLIVE).post(path, json={"from": had[-1] + 50})).status_code == 202
    assert (await desk.http(OLIVE).post(path, json={"from": had[1]})).status_code == 202
    await receiver.until(lambda: len(receiver.got) >= 2 * len(had) - 1)
    assert receiver.numbers == had + had[1:]
    assert receiver.got[1].id == receiver.got[len(had)].id
    for wrong in ({}, {"from": 0}, {"from": "2"}, {"from": 2**70}):
        assert (await desk.http(OLIVE).post(path, json=wrong)).status_code == 422


async def test_a_rotated_secret_signs_beside_the_old_one(desk: Desk, receiver: Receiver) -> None:
    made = await make(desk, receiver.url)
    path = f"/webhooks/{made['id']}/rotate-secret"
    key = {"Idempotency-Key": "r"}
    await desk.http(OLIVE).post(path)
    rotated = (await desk.http(OLIVE).post(path, headers=key)).json()["secret"]
    assert (await desk.http(OLIVE).post(path, headers=key)).json() == {"secret": None}
    tried = await desk.http(OLIVE).post(f"/webhooks/{made['id']}/test")
    assert (tried.json()["taken"], tried.json()["code"]) == (True, 204)
    [got] = receiver.got
    assert got.json["type"] == "handoff.test"
    assert got.is_signed_by(made["secret"])
    assert got.is_signed_by(rotated)
    async with desk.database.engine_room() as connection:
        await connection.execute(update(WebhookRow).values(old_secret_until=WebhookRow.created_at))
    await desk.http(OLIVE).post(f"/webhooks/{made['id']}/test")
    assert not receiver.got[1].is_signed_by(made["secret"])
    assert receiver.got[1].is_signed_by(rotated)


@pytest.mark.desk(**QUICK | {"webhook_retry_for": "400ms"})
async def test_what_fails_for_too_long_or_is_gone_is_disabled_and_admins_hear_of_it(
    desk: Desk, receiver: Receiver
) -> None:
    desk.mail_matters = True
    receiver.answer = answering(*[(500, {})] * 100)
    made = await make(desk, receiver.url, events=["parked"])
    await desk.park(BO)

    async def disabled() -> bool:
        return bool((await state(desk, made))["disabled_at"])

    await desk.until(disabled)
    for admin in (AMIR, OLIVE):
        mail = await desk.expect_mail(admin, subject="A webhook was disabled", says="127.0.0.1")
        assert "/hook" not in mail.message.as_string()
    assert (await state(desk, made))["disabled_why"] == "failed"
    receiver.answer = answering((410, {}))
    tries = len(receiver.got)
    assert (await desk.http(OLIVE).post(f"/webhooks/{made['id']}/enable")).status_code == 200
    await desk.until(disabled)
    assert (await state(desk, made))["disabled_why"] == "gone"
    for admin in (AMIR, OLIVE):
        await desk.expect_mail(admin, subject="A webhook was disabled")
    await desk.http(OLIVE).post(f"/webhooks/{made['id']}/enable")
    await receiver.until(lambda: len(receiver.got) == tries + 2)
    assert len(set(receiver.numbers)) == 1


async def test_the_auditor_starts_what_is_missing_and_seals_anew(
    desk: Desk, receiver: Receiver
) -> None:
    made = await make(desk, receiver.url)
    handle = desk.temporal.get_workflow_handle(queues.webhook_workflow_id(UUID(made["id"])))
    await handle.terminate()
    handoff = await desk.escalate(BO)
    followers = Followers(desk.temporal, desk.database, desk.settings)

    async def started() -> bool:
        return await followers.look() > 0

    await desk.until(started)
    await receiver.until(lambda: bool(receiver.got))
    assert receiver.got[0].json["subject"] == str(handoff.id)
    [kept] = await sealed.secrets(desk.database)
    assert made["secret"].removeprefix("whsec_") not in kept.text
    await desk.http(OLIVE).post(f"/webhooks/{made['id']}/rotate-secret")
    newer = SecretStr("newer:" + "b" * 64 + "," + PAYLOAD_KEYS)
    turned = desk.settings.model_copy(update={"payload_keys": newer})
    await Followers(desk.temporal, desk.database, turned).look()
    anew = await sealed.secrets(desk.database)
    assert [one.text.split("-")[0] for one in anew] == ["newer", "newer"]
    opened = unseal(keyring_of(turned), anew[1].text, purpose=purpose(UUID(made["id"])))
    assert opened == made["secret"]


async def test_a_dead_neighbour_delays_nobody_and_grows_no_history(
    desk: Desk, receiver: Receiver
) -> None:
    async with Receiver(answer=answering(*[None] * 1000)) as dead:
        made = await make(desk, dead.url)
        await make(desk, receiver.url)
        for _ in range(10):
            handoff = await desk.park(BO)
            assert (await desk.claim(CHEN, handoff)).status_code == 200
        await receiver.until(lambda: len(set(receiver.numbers)) == 20, within=10)
        # On a full machine a follower may be thought dead, and its event comes once more.
        assert [*dict.fromkeys(receiver.numbers)] == sorted(set(receiver.numbers))
        assert len(set(dead.numbers)) == 1
        handle = desk.temporal.get_workflow_handle(queues.webhook_workflow_id(UUID(made["id"])))
        described = (await handle.describe()).raw_description
        assert described.workflow_execution_info.history_length < 60
        assert (await desk.http(OLIVE).delete(f"/webhooks/{made['id']}")).status_code == 204

        async def over() -> bool:
            return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED

        await desk.until(over)


async def test_five_thousand_messages_to_a_dead_one_are_one_short_history(
    desk: Desk, receiver: Receiver
) -> None:
    handoff = await desk.park(BO)
    receiver.answer = answering(*[(503, {})] * 1000)
    made = await make(desk, receiver.url)
    numbers = await history.write(desk, handoff, 5_000)
    await receiver.until(lambda: len(receiver.got) >= 4)
    assert set(receiver.numbers) == {numbers[0]}
    handle = desk.temporal.get_workflow_handle(queues.webhook_workflow_id(UUID(made["id"])))
    described = (await handle.describe()).raw_description
    assert described.workflow_execution_info.history_length < 60


async def test_another_account_hears_and_sees_nothing(desk: Desk, receiver: Receiver) -> None:
    made = await make(desk, receiver.url)
    theirs = await desk.escalate(HUGO)
    await desk.until_told(theirs)
    own = await desk.park(BO)
    await receiver.until(lambda: bool(receiver.got))
    assert {got.json["subject"] for got in receiver.got} == {str(own.id)}
    assert (await desk.http(GINA).get("/webhooks")).json() == []
    assert (await desk.http(GINA).get(f"/webhooks/{made['id']}")).status_code == 404


async def test_a_callback_comes_once_it_is_closed_and_only_where_it_may(
    desk: Desk, receiver: Receiver
) -> None:
    session_id = await desk.start_session(BO)
    callback = {"url": f"{receiver.url}?key=whispered", "token": "their-token"}
    refused = await desk.hand_off(session_id, callback=callback)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/callback-host")
    await desk.http(OLIVE).put("/account", json={"callback_hosts": [f"127.0.0.1:{receiver.port}"]})
    made = await desk.http(OLIVE).post("/account/callback-secret")
    answer = await desk.hand_off(session_id, callback=callback, engineer_notes="Rekey fails.")
    assert answer.status_code == 201, answer.text
    handoff = Handoff(UUID(answer.json()["id"]), session_id, BO)
    receiver.answer = answering((503, {"retry-after": "1"}), (500, {}))
    await desk.claim(CHEN, handoff)
    await desk.command(CHEN, handoff, "resolve", {"outcome": "fixed", "note": "Done."})
    await receiver.until(lambda: len(receiver.got) == 3)
    first, _, last = receiver.got
    assert first.id == last.id
    assert last.headers["authorization"] == "Bearer their-token"
    assert last.is_signed_by(made.json()["secret"])
    assert last.json["type"] == "handoff.resolved"
    assert (last.json["data"]["outcome"], last.json["data"]["engineer_notes"]) == (
        "fixed",
        "Rekey fails.",
    )
    await desk.until_told(handoff)
    [row] = [row for row in await desk.deliveries(handoff, OLIVE) if row["channel"] == "callback"]
    assert (row["state"], row["recipient"]["kind"]) == ("sent", "endpoint")
    assert [attempt["code"] for attempt in row["attempts"]] == [503, 500, 204]
    page = (await desk.http(OLIVE).get(f"/handoffs/{handoff.id}")).text
    seen = (await desk.http(BO).get(handoff.path)).text
    for told in (page, seen, str(await desk.deliveries(handoff, OLIVE))):
        assert not [word for word in ("whispered", "their-token") if word in told]
    handle = desk.workflow(handoff)
    history = (await handle.fetch_history()).to_json()
    assert not [word for word in ("whispered", "their-token") if word in history]


async def test_a_dead_callback_keeps_nobody_waiting(desk: Desk, receiver: Receiver) -> None:
    hosts = {"callback_hosts": ["127.0.0.1"]}
    await desk.http(OLIVE).put("/account", json=hosts)
    async with Receiver(answer=answering(*[None] * 1000)) as dead:
        for _ in range(15):
            lost = await desk.park(BO, callback={"url": dead.url})
            await desk.command(BO, lost, "cancel")
        handoff = await desk.park(BO, callback={"url": receiver.url})
        await desk.command(BO, handoff, "cancel")
        await receiver.until(lambda: len(receiver.got) == 1, within=4)
        assert receiver.got[0].json["type"] == "handoff.cancelled"
        history = await desk.workflow(lost).fetch_history()
        assert len(history.events) < 60
