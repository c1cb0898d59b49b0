"""A webhook that is changed: what holds from then on, and what cannot be done or signed for."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from handoff.database.directory.webhooks import purpose
from handoff.database.tables import WebhookRow
from handoff.sealing import seal
from handoff.temporal.key_ring import KeyRing
from tests.flow.test_webhooks import QUICK, answering, make, state
from tests.support import history
from tests.support.cast import BO, OLIVE
from tests.support.desk import Desk
from tests.support.receiver import Answer, Got, Receiver

pytestmark = pytest.mark.desk(**QUICK)


@pytest.fixture(autouse=True)
def _quiet(desk: Desk) -> None:
    desk.mail_matters = False


async def test_what_is_disabled_is_not_replayed(desk: Desk, receiver: Receiver) -> None:
    made = await make(desk, receiver.url)
    receiver.answer = answering((410, {}))
    await desk.park(BO)

    async def disabled() -> bool:
        return bool((await state(desk, made))["disabled_at"])

    await desk.until(disabled)
    path = f"/webhooks/{made['id']}"
    refused = await desk.http(OLIVE).post(f"{path}/replay", json={"from": 1})
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/webhook-disabled")
    assert "Enable it first" in refused.json()["detail"]
    assert (await desk.http(OLIVE).post(f"{path}/enable")).status_code == 200
    replayed = await desk.http(OLIVE).post(f"{path}/replay", json={"from": 1})
    assert (replayed.status_code, replayed.json()) == (202, {"from": 1})


async def test_what_is_changed_holds_for_the_next_event_of_the_same_page(
    desk: Desk, receiver: Receiver
) -> None:
    handoff = await desk.park(BO, engineer_notes="Rekey fails.")
    async with Receiver() as another:
        made = await make(desk, receiver.url)

        async def change(_: Got) -> Answer:
            put = {"url": another.url, "events": ["reminded"]}
            assert (await desk.http(OLIVE).put(path, json=put)).status_code == 200
            content = {"content": {"webhook": "link"}}
            assert (await desk.http(OLIVE).put("/account", json=content)).status_code == 200
            return 204, {}

        path, receiver.answer = f"/webhooks/{made['id']}", change
        numbers = await history.write(desk, handoff, 10)
        await another.until(lambda: another.numbers[-1:] == numbers[-1:])
    assert (receiver.numbers, another.numbers) == (numbers[:1], numbers[1:])
    assert "VPN" in receiver.got[0].body
    assert not [got for got in another.got if "VPN" in got.body]


async def test_a_new_address_has_failed_never(desk: Desk, receiver: Receiver) -> None:
    receiver.answer = answering(*[(500, {})] * 1000)
    made = await make(desk, receiver.url)
    await desk.park(BO)

    async def failing() -> bool:
        return bool((await state(desk, made))["state"] == "failing")

    await desk.until(failing)
    path, body = f"/webhooks/{made['id']}", {"url": receiver.url, "description": "The same"}
    same = (await desk.http(OLIVE).put(path, json=body)).json()
    assert (same["state"], same["tried"] > 0) == ("failing", True)
    moved = (await desk.http(OLIVE).put(path, json={"url": f"{receiver.url}/2"})).json()
    assert (moved["state"], moved["tried"], moved["failing_since"]) == ("following", 0, None)


@pytest.mark.expects_errors
async def test_a_secret_that_cannot_be_read_is_told_as_such(desk: Desk, receiver: Receiver) -> None:
    made = await make(desk, receiver.url)
    path, key = f"/webhooks/{made['id']}", UUID(made["id"])
    async with desk.database.engine_room() as connection:
        had = (await connection.execute(select(WebhookRow.secret))).scalar_one()
    elsewhere = KeyRing.parse("gone:" + "c" * 64)
    await _put_secret(desk, seal(elsewhere, "whsec_AAAA", purpose=purpose(key)))
    await desk.park(BO)

    async def told() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await desk.http(OLIVE).get(f"{path}/attempts")).json()
        return found

    assert [one["cause"] for one in await desk.until(told)] == ["key_missing"]
    tried = (await desk.http(OLIVE).post(f"{path}/test")).json()
    assert (tried["taken"], tried["cause"]) == (False, "key_missing")
    assert (await state(desk, made))["state"] == "failing"
    await _put_secret(desk, had)
    assert (await desk.http(OLIVE).put(path, json={"url": receiver.url})).status_code == 200
    await receiver.until(lambda: bool(receiver.got))


async def _put_secret(desk: Desk, sealed_secret: str) -> None:
    async with desk.database.engine_room() as connection:
        await connection.execute(update(WebhookRow).values(secret=sealed_secret))
