"""Slack: one message a handoff, changed in place, its history beneath, and a button to claim."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi.responses import JSONResponse, Response
from pydantic import SecretStr
from temporalio.client import Client

from handoff.database.operations import sealed
from handoff.keys import keyring_of
from handoff.sealing import unseal
from tests.support.cast import ACME, AMIR, BILLING, BO, CHEN, NETWORK, OLIVE, VERA
from tests.support.desk import PAYLOAD_KEYS, Desk, Handoff, open_desk
from tests.support.servers import Servers
from tests.support.slack import SIGNING_SECRET, TOKEN, FakeSlack, SlackMessage, fake_slack, signed
from worker.followers import Followers

SECRETS = {"bot_token": TOKEN, "signing_secret": SIGNING_SECRET}
EVERYBODY = {"account": "C0EVERYBODY"}
NOTES = "The tunnel drops <!channel> & *dies*"


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """The workspace. Ask for it before the desk."""
    async with fake_slack() as slack:
        yield slack


@pytest.fixture
async def desk(
    slack: FakeSlack, database_url: str, servers: Servers, temporal: Client
) -> AsyncIterator[Desk]:
    """A desk whose Slack is the stand-in, connected for everybody."""
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        slack_api_url=slack.api_url,
    ) as desk:
        desk.mail_matters = False
        await connect(desk)
        yield desk


async def connect(desk: Desk, **channels: str) -> None:
    body = {**SECRETS, "channels": channels or EVERYBODY}
    answer = await desk.http(OLIVE).put("/integrations/slack", json=body)
    assert answer.status_code == 200, answer.text


async def shown(desk: Desk, slack: FakeSlack, says: str) -> SlackMessage:
    """The one message, once it says so."""

    async def says_so() -> bool:
        return any(says in one.words for one in slack.messages)

    try:
        await desk.until(says_so)
    except TimeoutError:
        raise AssertionError([one.words for one in slack.messages]) from None
    return slack.message


async def press(desk: Desk, slack: FakeSlack, message: SlackMessage, user: str) -> str:
    """Claims by the button; what Slack whispers to whoever pressed."""
    value = message.button("handoff_claim")
    assert value is not None
    body, headers = slack.press(value, user)
    answer = await desk.http().post("/integrations/slack/actions", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (200, b"")
    return [said for who, said in slack.whispers if who == user][-1]


async def test_a_handoffs_life_is_one_message(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.escalate(title="VPN <drops>", engineer_notes=NOTES, priority="urgent")
    message = await shown(desk, slack, "Waiting, round 1 of 5")
    assert message.channel == "C0EVERYBODY"
    assert "VPN <drops>" in message.blocks[0]["text"]["text"]
    assert "VPN &lt;drops&gt;" in message.text
    said = await desk.command(CHEN, handoff, "notes", {"text": "Looking at the <logs>"})
    assert said.status_code == 201
    await shown(desk, slack, "Chen has written")
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await shown(desk, slack, "Claimed by Amir")
    assert message.button("handoff_claim") is None
    assert (await desk.command(AMIR, handoff, "release")).status_code == 200
    await shown(desk, slack, "given it back")
    assert message.button("handoff_claim") is not None
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    ended = {"outcome": "fixed", "note": "A cable"}
    assert (await desk.command(CHEN, handoff, "resolve", ended)).status_code == 200
    await shown(desk, slack, "Resolved by Chen: fixed")
    await desk.until_told(handoff)
    assert message.thread == [
        "Chen has written.",
        "Amir has claimed it.",
        "Amir has given it back.",
        "Chen has claimed it.",
        "Chen has resolved it.",
    ]
    assert {row["state"] for row in await _rows(desk, handoff)} <= {"sent", "skipped"}


async def _rows(desk: Desk, handoff: Handoff) -> list[dict[str, Any]]:
    return [row for row in await desk.deliveries(handoff) if row["channel"] == "slack"]


@pytest.mark.parametrize(
    ("content", "says", "says_not"),
    [
        ("full", ["VPN drops", "tunnel", "&lt;!channel&gt;"], ["<!channel>"]),
        ("title", ["VPN drops", "Bo"], ["tunnel"]),
        ("link", ["A handoff"], ["VPN", "tunnel", "Bo"]),
    ],
)
async def test_no_more_leaves_than_the_account_says(
    slack: FakeSlack, desk: Desk, content: str, says: list[str], says_not: list[str]
) -> None:
    put = await desk.http(OLIVE).put("/account", json={"content": {"slack": content}})
    assert put.status_code == 200, put.text
    handoff = await desk.escalate(engineer_notes=NOTES)
    message = await shown(desk, slack, "Waiting")
    await desk.command(CHEN, handoff, "notes", {"text": "A tunnel, too"})
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await shown(desk, slack, "Claimed by")
    await desk.until_told(handoff)
    assert [word for word in says if word not in message.words] == []
    assert [word for word in says_not if word in message.words] == []


async def test_a_team_has_its_own_channel(slack: FakeSlack, desk: Desk) -> None:
    await connect(desk, **{"account": "C0EVERYBODY", str(NETWORK): "C0NETWORK"})
    session = await desk.start_session(team_id=str(NETWORK))
    assert (await desk.hand_off(session)).status_code == 201
    message = await shown(desk, slack, "Waiting")
    assert message.channel == "C0NETWORK"


async def test_the_team_that_it_is_given_to_sees_it_where_it_looks(
    slack: FakeSlack, desk: Desk
) -> None:
    await connect(desk, **{str(NETWORK): "C0NETWORK", str(BILLING): "C0BILLING"})
    session = await desk.start_session(team_id=str(NETWORK))
    handoff = Handoff((await desk.hand_off(session)).json()["id"], session, BO)
    await shown(desk, slack, "Waiting")
    moved = await desk.command(BO, handoff, "change", {"team_id": str(BILLING)})
    assert moved.status_code == 200

    async def is_in_both() -> bool:
        return {one.channel for one in slack.messages} == {"C0NETWORK", "C0BILLING"}

    await desk.until(is_in_both)
    assert (await desk.claim(AMIR, handoff)).status_code == 200

    async def says_so_in_both() -> bool:
        return all("Claimed by Amir" in one.words for one in slack.messages)

    await desk.until(says_so_in_both)


async def test_who_presses_first_has_it(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    amir, chen, vera = (slack.user(one) for one in (AMIR, CHEN, VERA))
    assert "Viewers can look" in await press(desk, slack, message, vera)
    assert "mail address" in await press(desk, slack, message, _stranger(slack))
    said = await asyncio.gather(*(press(desk, slack, message, one) for one in (amir, chen)))
    seen = await desk.see(handoff)
    winner = seen["claimed_by"]["name"]
    assert [text for text in said if text.startswith("You have it")] != []
    assert [f"{winner} has it."] == [text for text in said if not text.startswith("You have it")]
    await shown(desk, slack, f"Claimed by {winner}")


def _stranger(slack: FakeSlack) -> str:
    slack.people["U0STRANGER"] = "somebody@elsewhere.test"
    return "U0STRANGER"


async def test_only_slacks_own_requests_are_heard(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    value = message.button("handoff_claim")
    assert value is not None
    body, headers = slack.press(value, slack.user(AMIR))
    other, _ = slack.press(value.replace(str(ACME), str(handoff.id)), slack.user(AMIR))
    wrong: list[tuple[bytes, dict[str, str]]] = [
        (body, {"Content-Type": headers["Content-Type"]}),
        (body, signed(body, secret="another-secret")),
        (body, signed(body, at=1.0)),
        (body + b"&more=1", headers),
        (other, signed(other)),
        (b"payload=%7B%7D", signed(b"payload=%7B%7D")),
        (b"\xff\xfe", signed(b"\xff\xfe")),
        (b"payload=" + b"[" * 9000, signed(b"payload=" + b"[" * 9000)),
        (body, headers | {"X-Slack-Request-Timestamp": "-1"}),
        (body, headers | {"X-Slack-Request-Timestamp": "9" * 40}),
        (body, headers | {"X-Slack-Signature": "v0="}),
    ]
    http = desk.http()
    for content, given in wrong:
        answer = await http.post("/integrations/slack/actions", content=content, headers=given)
        assert answer.status_code == 401, (content[:80], given)
    assert (await desk.see(handoff))["status"] == "open"
    assert slack.whispers == []


async def test_who_is_signed_for_is_not_refused_for_what_others_send(
    slack: FakeSlack, database_url: str, servers: Servers, temporal: Client
) -> None:
    """Behind a proxy all have one address."""
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        slack_api_url=slack.api_url,
        # An amount of its own: desks share a Redis, and strangers an address.
        rate_failures_per_address=7,
    ) as desk:
        desk.mail_matters = False
        await connect(desk)
        await desk.escalate()
        message = await shown(desk, slack, "Waiting")
        http, path = desk.http(), "/integrations/slack/actions"
        answers = [(await http.post(path, content=b"payload=1")).status_code for _ in range(12)]
        assert (answers[0], answers[-1]) == (401, 429)
        amir = slack.user(AMIR)
        assert (await press(desk, slack, message, amir)).startswith("You have it")


async def test_a_press_of_open_is_heard_and_does_nothing(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    value = message.button("handoff_open")
    assert value is not None
    body, headers = slack.press(value, slack.user(AMIR), action="handoff_open")
    answer = await desk.http().post("/integrations/slack/actions", content=body, headers=headers)
    assert answer.status_code == 200
    assert (await desk.see(handoff))["status"] == "open"
    assert slack.whispers == []


async def test_slack_cannot_send_us_elsewhere(slack: FakeSlack, desk: Desk) -> None:
    await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    value = message.button("handoff_claim")
    assert value is not None
    amir = slack.user(AMIR)
    body, headers = slack.press(value, amir, response_url="http://169.254.169.254/latest")
    answer = await desk.http().post("/integrations/slack/actions", content=body, headers=headers)
    assert answer.status_code == 200
    assert [who for who, _ in slack.whispers] == [amir]


async def test_what_slack_asks_for_is_waited_for_and_the_newest_state_is_shown(
    slack: FakeSlack, desk: Desk
) -> None:
    slack.troubles["chat.postMessage"] = [_too_many]
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    [first] = await _rows(desk, handoff)
    assert (first["attempts"][0]["outcome"], first["attempts"][0]["code"]) == ("retrying", 429)
    slack.troubles["chat.update"] = [_too_many]
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    assert (await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})).status_code == 200
    await shown(desk, slack, "Resolved by Amir")
    await desk.until_told(handoff)
    assert "Resolved by Amir" in message.text
    assert message.thread == ["Amir has claimed it.", "Amir has resolved it."]


def _too_many() -> JSONResponse:
    refused = {"ok": False, "error": "ratelimited"}
    return JSONResponse(refused, 429, headers={"Retry-After": "1"})


@pytest.mark.expects_errors
async def test_a_message_whose_answer_was_lost_is_found_again(slack: FakeSlack, desk: Desk) -> None:
    slack.troubles["chat.postMessage"] = [lambda: None]
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    # Before it is tried again: what may be there is looked for by whoever comes next.
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await shown(desk, slack, "Claimed by Amir")
    assert "conversations.history" in slack.calls
    await desk.until_told(handoff)
    assert slack.message is message
    # Whatever came meanwhile is told of, too.
    assert message.thread == ["Amir has claimed it."]


@pytest.mark.expects_errors
async def test_a_line_whose_answer_was_lost_comes_once(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    slack.troubles["chat.postMessage"] = [lambda: None]
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await shown(desk, slack, "Amir has claimed it")
    assert (await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})).status_code == 200
    await shown(desk, slack, "Amir has resolved it")
    await desk.until_told(handoff)
    assert message.thread == ["Amir has claimed it.", "Amir has resolved it."]


async def test_what_slack_asks_for_holds_for_all_of_the_account(
    slack: FakeSlack, desk: Desk
) -> None:
    slack.troubles["chat.postMessage"] = [_rest]
    first = await desk.escalate()

    async def was_refused() -> bool:
        return any(row["attempts"] for row in await _rows(desk, first))

    await desk.until(was_refused)
    others = [await desk.escalate() for _ in range(3)]

    async def all_shown() -> bool:
        return len(slack.messages) == 4

    await desk.until(all_shown)
    assert slack.calls.count("chat.postMessage") == 5
    for handoff in others:
        await desk.until_told(handoff)
        [row] = await _rows(desk, handoff)
        assert [one["outcome"] for one in row["attempts"]] == ["sent"]


def _rest() -> JSONResponse:
    refused = {"ok": False, "error": "ratelimited"}
    return JSONResponse(refused, 429, headers={"Retry-After": "3"})


async def test_a_message_is_changed_where_it_stands_though_new_ones_go_elsewhere(
    slack: FakeSlack, desk: Desk
) -> None:
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    await connect(desk, account="C0ANOTHER")
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await shown(desk, slack, "Amir has claimed it")
    assert "Claimed by Amir" in message.text
    assert (slack.message.channel, message.button("handoff_claim")) == ("C0EVERYBODY", None)
    await desk.escalate()

    async def elsewhere() -> bool:
        return [one.channel for one in slack.messages] == ["C0EVERYBODY", "C0ANOTHER"]

    await desk.until(elsewhere)


async def test_where_the_old_channel_is_closed_to_us_it_goes_on_in_the_new_one(
    slack: FakeSlack, desk: Desk
) -> None:
    handoff = await desk.escalate()
    await shown(desk, slack, "Waiting")
    await connect(desk, account="C0ANOTHER")
    slack.closed.add("C0EVERYBODY")
    assert (await desk.claim(AMIR, handoff)).status_code == 200

    async def elsewhere() -> bool:
        return slack.messages[-1].channel == "C0ANOTHER"

    await desk.until(elsewhere)
    assert "Claimed by Amir" in slack.messages[-1].text


@pytest.mark.expects_errors
@pytest.mark.parametrize(
    ("method", "error", "reason"),
    [
        ("chat.postMessage", "is_archived", "recipient_refused"),
        ("chat.postMessage", "token_revoked", "not_connected"),
        ("chat.postMessage", "msg_too_long", "content_refused"),
        ("chat.update", "cant_update_message", "edit_refused"),
    ],
)
async def test_what_is_refused_for_good_is_seen_in_the_history(
    slack: FakeSlack, desk: Desk, method: str, error: str, reason: str
) -> None:
    refusal = JSONResponse({"ok": False, "error": error})
    slack.troubles[method] = [lambda: refusal] * 10
    handoff = await desk.escalate()
    if method == "chat.update":
        await shown(desk, slack, "Waiting")
        assert (await desk.claim(AMIR, handoff)).status_code == 200

    async def failed() -> list[dict[str, Any]]:
        return [row for row in await _rows(desk, handoff) if row["state"] == "failed"]

    [row] = await desk.until(failed)
    assert row["reason"] == reason
    assert "delivery_failed" in await desk.history(handoff)


async def test_a_message_that_somebody_deletes_is_written_anew(
    slack: FakeSlack, desk: Desk
) -> None:
    handoff = await desk.escalate()
    await shown(desk, slack, "Waiting")
    slack.messages.clear()
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await shown(desk, slack, "Claimed by Amir")


async def test_levels_say_when_it_is_called(slack: FakeSlack, desk: Desk) -> None:
    levels = [
        {"targets": [{"kind": "account"}], "channels": ["email"], "wait": "15m", "repeat": 1},
        {"targets": [{"kind": "account"}], "channels": ["slack"], "wait": "15m", "repeat": 1},
    ]
    put = await desk.http(OLIVE).put("/policy", json={"levels": levels})
    assert put.status_code == 200, put.text
    ahead = (await desk.http(OLIVE).post("/policy/preview", json={})).json()["rounds"]
    assert [[one["channel"] for one in round["endpoints"]] for round in ahead] == [[], ["slack"]]
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=1)
    await desk.until_told(handoff)
    assert await _rows(desk, handoff) == []
    hurried = await desk.command(BO, handoff, "escalate-now", {"round": 1})
    assert hurried.status_code == 200, hurried.text
    await shown(desk, slack, "Waiting, round 2 of 2")


async def test_parked_work_is_nobodys_in_a_channel(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.park(engineer_notes="mine")
    assert (await desk.command(BO, handoff, "notes", {"text": "mine, too"})).status_code == 201
    await desk.until_told(handoff)
    assert slack.messages == []


async def test_nothing_leaves_once_it_is_disconnected(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting")
    assert (await desk.http(OLIVE).delete("/integrations/slack")).status_code == 204
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await desk.until_told(handoff)
    assert "Waiting" in message.text
    assert (await desk.http(OLIVE).get("/integrations/slack")).status_code == 404


async def test_its_secrets_are_sealed_with_todays_key(slack: FakeSlack, desk: Desk) -> None:
    newer = SecretStr("newer:" + "b" * 64 + "," + PAYLOAD_KEYS)
    turned = desk.settings.model_copy(update={"payload_keys": newer})
    await Followers(desk.temporal, desk.database, turned).look()
    kept = await sealed.secrets(desk.database)
    assert [one.text.split("-")[0] for one in kept] == ["newer", "newer"]
    assert [one.text for one in kept if TOKEN in one.text or "C0EVERY" in one.text] == []
    opened = [unseal(keyring_of(turned), one.text, purpose=one.purpose) for one in kept]
    assert json.loads(opened[0]) == SECRETS
    assert opened[1] == EVERYBODY["account"]


async def test_later_rounds_and_a_transfer_are_shown(slack: FakeSlack, desk: Desk) -> None:
    handoff = await desk.escalate()
    message = await shown(desk, slack, "Waiting, round 1 of 5")
    assert (await desk.command(BO, handoff, "escalate-now", {"round": 1})).status_code == 200
    await shown(desk, slack, "Waiting, round 2 of 5")
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    passed = await desk.command(AMIR, handoff, "transfer", {"to": str(CHEN.id)})
    assert passed.status_code == 200
    await shown(desk, slack, "Amir passes it to Chen")
    await desk.until_told(handoff)
    assert message.thread == [
        "Bo has called the next round.",
        "Nobody has claimed it: the next round.",
        "Amir has claimed it.",
        "Amir passes it on to Chen.",
    ]


async def test_no_level_counts_on_what_is_told_besides(slack: FakeSlack, desk: Desk) -> None:
    """Where a round's people are reached by nothing, the next level comes at once."""
    levels = [
        {"targets": [{"kind": "user", "value": str(CHEN.id)}], "channels": ["email"], "wait": "1h"},
        {"targets": [{"kind": "account"}], "channels": ["email"], "wait": "1h"},
    ]
    put = await desk.http(OLIVE).put("/policy", json={"levels": levels})
    assert put.status_code == 200, put.text
    off = {"email": {"enabled": False}}
    assert (await desk.http(CHEN).put("/me/notifications", json=off)).status_code == 200
    handoff = await desk.escalate()
    await desk.until_handoff(handoff, round=2)
    await shown(desk, slack, "Waiting, round 2 of 2")


async def test_slack_may_be_away_for_long(slack: FakeSlack, desk: Desk) -> None:
    slack.troubles["chat.postMessage"] = [_broken] * 4
    handoff = await desk.escalate()

    async def tried_twice() -> bool:
        return len(slack.calls) >= 2

    await desk.until(tried_twice)
    # What may be there is followed, too.
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    await shown(desk, slack, "Claimed by Amir")


def _broken() -> Response:
    return Response("<html>", 502)
