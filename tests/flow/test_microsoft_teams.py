"""Microsoft Teams: a card for every change that matters, to an address that is a secret itself."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select
from temporalio.client import Client

from handoff.database.tables import EndpointRow
from tests.support.cast import AMIR, BO, CHEN, GINA, NETWORK, OLIVE
from tests.support.cookies import browser_of
from tests.support.desk import Desk, Handoff, open_desk
from tests.support.receiver import Answer, Got, Receiver
from tests.support.servers import Servers

KEY = "?sig=a-secret-of-the-flow"
NOTES = "The tunnel [drops](https://evil.test) *often*"


@pytest.fixture
async def workflows() -> AsyncIterator[Receiver]:
    """What stands at the address."""
    async with Receiver() as receiver:
        yield receiver


@pytest.fixture
async def desk(
    workflows: Receiver, database_url: str, servers: Servers, temporal: Client
) -> AsyncIterator[Desk]:
    """A desk with Teams for everybody."""
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        webhook_private="allow",
        webhook_timeout="2s",
    ) as desk:
        desk.mail_matters = False
        await connect(desk, account=workflows.url + KEY)
        yield desk


async def connect(desk: Desk, **channels: str) -> dict[str, Any]:
    answer = await desk.http(OLIVE).put("/integrations/teams", json={"channels": channels})
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()["channels"]
    return shown


def card(got: Got) -> dict[str, Any]:
    """Of the message, which is as Workflows take it."""
    assert got.json["type"] == "message"
    [attachment] = got.json["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    content: dict[str, Any] = attachment["content"]
    assert (content["type"], content["version"]) == ("AdaptiveCard", "1.4")
    assert len(got.body.encode()) < 28 * 1024
    assert "webhook-signature" not in got.headers
    return content


def says(got: Got) -> list[str]:
    return [block["text"] for block in card(got)["body"] if block["type"] == "TextBlock"]


async def test_a_handoffs_life_is_a_few_cards(workflows: Receiver, desk: Desk) -> None:
    await desk.http(OLIVE).put("/account", json={"content": {"teams": "full"}})
    handoff = await desk.escalate(title="VPN *drops*", engineer_notes=NOTES)
    await workflows.until(lambda: len(workflows.got) == 1)
    assert (await desk.command(CHEN, handoff, "notes", {"text": "Looking"})).status_code == 201
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await workflows.until(lambda: len(workflows.got) == 2)
    ended = {"outcome": "fixed", "note": "A cable"}
    assert (await desk.command(AMIR, handoff, "resolve", ended)).status_code == 200
    await workflows.until(lambda: len(workflows.got) == 3)
    first, claimed, resolved = workflows.got
    assert says(first)[:2] == [r"VPN \*drops\*", "Waiting, round 1 of 5"]
    assert r"\[drops\]\(https://evil\.test\) \*often\*" in says(first)[-1]
    assert "Amir has claimed it\\." in says(claimed)
    assert says(resolved)[1:] == ["Resolved by Amir: fixed", r"Amir has resolved it: A cable"]


@pytest.mark.parametrize(("content", "way"), [("title", "Claim"), ("link", "Open")])
async def test_no_more_leaves_than_the_account_says(
    workflows: Receiver, desk: Desk, content: str, way: str
) -> None:
    await desk.http(OLIVE).put("/account", json={"content": {"teams": content}})
    handoff = await desk.escalate(title="VPN drops", engineer_notes=NOTES)
    await workflows.until(lambda: len(workflows.got) == 1)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await workflows.until(lambda: len(workflows.got) == 2)
    told = "".join(got.body for got in workflows.got)
    assert "tunnel" not in told
    assert ("VPN drops" in told) is (content == "title")
    assert ("Amir" in told) is (content == "title")
    assert card(workflows.got[0])["actions"][0]["title"] == way


async def test_whoever_of_the_account_presses_first_has_it(workflows: Receiver, desk: Desk) -> None:
    await desk.escalate()
    await workflows.until(lambda: len(workflows.got) == 1)
    [button] = card(workflows.got[0])["actions"]
    path = button["url"].removeprefix(desk.settings.public_url)
    page = await desk.http().get(path, headers=browser_of(desk, CHEN))
    assert "Claim it" in page.text
    assert (await desk.http(GINA).post(path)).status_code == 404
    assert (await desk.http().post(path)).status_code == 401
    claimed = await desk.http(CHEN).post(path)
    assert claimed.json()["claimed_by"]["name"] == "Chen"
    assert (await desk.http(AMIR).post(path)).json()["claimed_by"]["name"] == "Chen"


async def test_addresses_are_kept_as_secrets(workflows: Receiver, desk: Desk) -> None:
    shown = (await desk.http(OLIVE).get("/integrations/teams")).json()["channels"]
    assert shown == {"account": workflows.url}
    async with desk.database.engine_room() as connection:
        stored = list((await connection.scalars(select(EndpointRow.address))).all())
    assert [address for address in stored if "sig" in address or "127.0.0.1" in address] == []
    # What is given back as it was shown stays what it is; what is new is new.
    await connect(desk, **shown, **{str(NETWORK): "https://flows.test/x?sig=1"})
    await desk.escalate()
    await workflows.until(lambda: len(workflows.got) == 1)


@pytest.mark.parametrize(
    ("status", "state", "reason"),
    [(404, "failed", "error_answer"), (410, "failed", "gone"), (302, "failed", "redirected")],
)
async def test_an_address_that_is_dead_is_seen_in_the_history(
    workflows: Receiver, desk: Desk, status: int, state: str, reason: str
) -> None:
    async def answer(_: Got) -> Answer:
        return status, {"location": "http://127.0.0.1:1/"}

    workflows.answer = answer
    handoff = await desk.escalate()
    [row] = await desk.until(lambda: _settled(desk, handoff))
    assert (row["state"], row["reason"]) == (state, reason)
    assert "delivery_failed" in await desk.history(handoff)
    assert (await desk.operator().get("/readyz")).status_code == 200


async def test_a_flow_that_is_throttled_is_asked_again_when_it_says(
    workflows: Receiver, desk: Desk
) -> None:
    async def answer(_: Got) -> Answer:
        return (429, {"retry-after": "1"}) if not workflows.got else (202, {})

    workflows.answer = answer
    handoff = await desk.escalate()
    [row] = await desk.until(lambda: _settled(desk, handoff))
    assert [one["code"] for one in row["attempts"]] == [429, 202]


async def test_a_dead_place_holds_no_other_teams_cards(workflows: Receiver, desk: Desk) -> None:
    async def never(_: Got) -> Answer | None:
        return None

    async with Receiver(answer=never) as dead:
        await connect(desk, **{"account": workflows.url, str(NETWORK): dead.url})
        for _ in range(12):
            session = await desk.start_session(team_id=str(NETWORK))
            assert (await desk.hand_off(session)).status_code == 201
        await dead.until(lambda: bool(dead.got))
        handoff = await desk.escalate(OLIVE)
        await workflows.until(lambda: bool(workflows.got), within=3)
    [row] = await desk.until(lambda: _settled(desk, handoff))
    assert len(row["attempts"]) == 1


async def test_a_private_address_is_not_gone_to(
    workflows: Receiver, database_url: str, servers: Servers, temporal: Client
) -> None:
    async with open_desk(
        database_url=database_url, redis_url=servers.redis_url, temporal=temporal
    ) as desk:
        desk.mail_matters = False
        await connect(desk, account=workflows.url)
        handoff = await desk.escalate()
        [row] = await desk.until(lambda: _settled(desk, handoff))
    assert (row["state"], row["reason"]) == ("failed", "address_refused")
    assert workflows.connections == 0


async def _settled(desk: Desk, handoff: Handoff) -> list[dict[str, Any]]:
    rows = [row for row in await desk.deliveries(handoff) if row["channel"] == "teams"]
    return [row for row in rows if row["state"] in ("sent", "failed")]


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "body/channels"),
    ({"channels": {}}, "body/channels"),
    ({"channels": {"everybody": "https://flows.test/"}}, "body/channels/everybody"),
    ({"channels": {str(UUID(int=7)): "https://flows.test/"}}, f"body/channels/{UUID(int=7)}"),
    ({"channels": {"account": "ftp://flows.test/"}}, "body/channels/account"),
    ({"channels": {"account": "https://user:word@flows.test/"}}, "body/channels/account"),
    ({"channels": {"account": 7}}, "body/channels/account"),
    ({"channels": {"account": "https://flows.test/"}, "more": 1}, "body/more"),
]


@pytest.mark.parametrize(("body", "path"), BAD)
async def test_what_is_no_connection_is_refused_by_its_path(
    desk: Desk, body: dict[str, Any], path: str
) -> None:
    answer = await desk.http(OLIVE).put("/integrations/teams", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"].startswith(path), answer.text


async def test_only_admins_and_owners_connect(desk: Desk) -> None:
    for who, status in ((BO, 403), (GINA, 404)):
        answer: httpx.Response = await desk.http(who).get("/integrations/teams")
        assert answer.status_code == status
    assert (await desk.http(BO).delete("/integrations/teams")).status_code == 403
