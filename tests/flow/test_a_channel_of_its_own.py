"""A channel that nobody has heard of: a row and a sender, and everything else follows.

Its messages are lines in a file. Nothing of Handoff knows it; if a test here needs more than the
two registrations below, the seam is at fault.
"""

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, insert, update

from activities.sender import MayLeave, Message, Patience, SendOutcome
from activities.senders import SENDERS
from handoff.contract.words import DeliveryState
from handoff.database.tables import EndpointRow
from handoff.ids import new_id
from handoff.rules.causes import Cause
from handoff.rules.channels import CHANNELS, Channel, Reaches
from tests.support.cast import ACME, AMIR, BO, CHEN, NETWORK, OLIVE, SENIORS
from tests.support.desk import Desk, Handoff

FILE = Channel(
    name="file", label="File", message="line", messages="lines", about="A line in a file."
)
RETRYING = SendOutcome(DeliveryState.RETRYING, None, Cause.SERVER_BUSY)
UNREACHABLE = SendOutcome(DeliveryState.RETRYING, None, Cause.CONNECTION)
REFUSED = SendOutcome(DeliveryState.FAILED, 550, Cause.RECIPIENT_REFUSED)
NO_ANSWER = SendOutcome(DeliveryState.AMBIGUOUS, None, Cause.TIMEOUT)


class FileSender:
    """Appends a line for each message: its id, and whom it is for."""

    patience = Patience(timedelta(milliseconds=50), timedelta(milliseconds=200), timedelta(hours=1))
    connections = 4

    def __init__(self, path: Path) -> None:
        self.path = path
        self.troubles: dict[str, list[SendOutcome]] = {}
        """What comes of the first attempts at an address."""
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.waiting = asyncio.Event()

    def message_id(self, name: str) -> str:
        return f"line:{name}"

    async def send(self, message: Message, *, may_leave: MayLeave) -> SendOutcome | None:
        trouble = next(iter(self.troubles.get(message.to_address, ())), None)
        if trouble is not None:
            self.troubles[message.to_address].pop(0)
        if trouble is not None and trouble is not NO_ANSWER:
            return trouble
        self.waiting.set()
        await self.may_go_on.wait()
        if not await may_leave():
            return None
        with self.path.open("a") as file:
            file.write(f"{message.id} {message.to_address}\n")
        return trouble or SendOutcome(DeliveryState.SENT, None, Cause.ACCEPTED)

    async def close(self) -> None:
        pass

    def lines(self) -> list[list[str]]:
        return [line.split() for line in self.path.read_text().splitlines()]

    def readers(self) -> list[str]:
        return sorted(line[1] for line in self.lines())


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Channel], FileSender]:
    """Makes a channel known: the row, and who sends by it."""

    def registered(channel: Channel) -> FileSender:
        sender = FileSender(tmp_path / "lines.txt")
        sender.path.touch()
        monkeypatch.setitem(CHANNELS, channel.name, channel)
        monkeypatch.setitem(SENDERS, channel.name, lambda *_: sender)
        return sender

    return registered


@pytest.fixture
def file(register: Callable[[Channel], FileSender]) -> FileSender:
    """The channel, for people. Ask for it before the desk."""
    return register(FILE)


async def set_policy(desk: Desk, *channels: str) -> None:
    level = {"targets": [{"kind": "account"}], "channels": list(channels), "wait": "15m"}
    answer = await desk.http(OLIVE).put("/policy", json={"levels": [level]})
    assert answer.status_code == 200, answer.text


async def rows(desk: Desk, handoff: Handoff, **fits: Any) -> list[dict[str, Any]]:
    ledger = await desk.deliveries(handoff)
    return [row for row in ledger if all(row[name] == value for name, value in fits.items())]


async def until_settled(desk: Desk, handoff: Handoff, number: int) -> list[dict[str, Any]]:
    async def settled() -> list[dict[str, Any]]:
        found = await rows(desk, handoff, channel="file")
        done = all(row["state"] in ("sent", "failed", "skipped") for row in found)
        return found if done and len(found) == number else []

    found: list[dict[str, Any]] = await desk.until(settled)
    return found


async def test_it_delivers_to_everybody_whom_a_level_names(file: FileSender, desk: Desk) -> None:
    await set_policy(desk, "file")
    handoff = await desk.escalate()
    found = await until_settled(desk, handoff, len(SENIORS))
    assert file.readers() == sorted(senior.email for senior in SENIORS)
    assert {row["state"] for row in found} == {"sent"}
    assert {row["message_id"] for row in found} == {line[0] for line in file.lines()}
    assert [attempt["outcome"] for row in found for attempt in row["attempts"]] == ["sent"] * 3


async def test_it_is_tried_again_in_its_own_time_and_under_one_name(
    file: FileSender, desk: Desk
) -> None:
    file.troubles[CHEN.email] = [RETRYING, RETRYING]
    file.troubles[AMIR.email] = [NO_ANSWER]
    await set_policy(desk, "file")
    handoff = await desk.escalate()
    found = {row["recipient"]["name"]: row for row in await until_settled(desk, handoff, 3)}
    outcomes = {
        name: [attempt["outcome"] for attempt in row["attempts"]] for name, row in found.items()
    }
    assert outcomes == {
        "Chen": ["retrying", "retrying", "sent"],
        "Amir": ["ambiguous", "sent"],
        "Olive": ["sent"],
    }
    twice = [line for line in file.lines() if line[1] == AMIR.email]
    assert len(twice) == 2
    assert len({line[0] for line in twice}) == 1


async def test_a_refusal_for_good_is_told_and_ends_it(file: FileSender, desk: Desk) -> None:
    file.troubles[CHEN.email] = [REFUSED]
    await set_policy(desk, "file")
    handoff = await desk.escalate()
    found = {row["recipient"]["name"]: row for row in await until_settled(desk, handoff, 3)}
    assert (found["Chen"]["state"], found["Chen"]["reason"]) == ("failed", "recipient_refused")
    events = (await desk.http(BO).get(f"{handoff.path}/events")).json()
    [failed] = [event for event in events if event["type"] == "handoff.delivery_failed"]
    assert failed["data"]["details"]["channel"] == "file"


async def test_a_claim_stops_what_has_not_left(file: FileSender, desk: Desk) -> None:
    file.may_go_on.clear()
    await set_policy(desk, "file")
    handoff = await desk.escalate()
    async with asyncio.timeout(15):
        await file.waiting.wait()
    assert (await desk.claim(CHEN, handoff)).status_code == 200
    file.may_go_on.set()
    found = await until_settled(desk, handoff, 3)
    assert {(row["state"], row["reason"]) for row in found} == {("skipped", "claimed")}
    assert file.lines() == []
    await desk.expect_mail(BO, handoff, says="Claimed by Chen")


async def test_whoever_does_not_want_it_is_left_alone(file: FileSender, desk: Desk) -> None:
    choices = {"file": {"enabled": False}}
    kept = await desk.http(CHEN).put("/me/notifications", json=choices)
    assert kept.json()["file"] == {"enabled": False, "minimum_priority": "low"}
    assert kept.json()["email"]["enabled"]
    await set_policy(desk, "file")
    handoff = await desk.escalate()
    await until_settled(desk, handoff, 3)
    [chen] = [row for row in await rows(desk, handoff) if row["recipient"]["name"] == "Chen"]
    assert (chen["state"], chen["reason"]) == ("skipped", "opted_out")
    assert file.readers() == sorted([AMIR.email, OLIVE.email])


async def test_it_is_used_where_it_was_asked_for_and_nowhere_else(
    file: FileSender, desk: Desk
) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff)
    assert await rows(desk, handoff, channel="file") == []
    level = {"targets": [{"kind": "account"}], "wait": "15m"}
    shown = await desk.http(OLIVE).put("/policy", json={"levels": [level]})
    assert shown.json()["levels"][0]["channels"] == ["email", "push"]


async def test_it_is_shown_wherever_channels_are(file: FileSender, desk: Desk) -> None:
    await set_policy(desk, "push", "file")
    ahead = (await desk.http(OLIVE).post("/policy/preview", json={})).json()["rounds"][0]
    assert {channel for one in ahead["recipients"] for channel in one["channels"]} == {
        "push",
        "file",
    }
    tried = await desk.http(CHEN).post("/me/test-notification")
    assert tried.json()["file"]["state"] == "sent"
    await desk.expect_mail(CHEN, subject="Test notification")
    file.troubles[CHEN.email] = [UNREACHABLE] * 100
    await desk.escalate()

    async def in_trouble() -> bool:
        checks = (await desk.operator().get("/readyz")).json()["checks"]
        return (checks["mail"]["status"], checks["line"]["status"]) == ("ok", "failed")

    await desk.until(in_trouble)
    metrics = (await desk.operator().get("/metrics")).text
    assert 'handoff_messages_unsettled{channel="file",state="retrying"} 1.0' in metrics
    file.troubles.clear()


async def test_pages_draw_it_from_its_row(file: FileSender, desk: Desk) -> None:
    await set_policy(desk, "file")
    handoff = await desk.escalate()
    await until_settled(desk, handoff, 3)
    olive = desk.http(OLIVE)
    settings = (await olive.get("/settings/notifications")).text
    assert "Tell me by file" in settings
    assert "A line in a file." in settings
    assert 'data-channel="file"' in (await olive.get("/settings/policy")).text
    page = (await olive.get(f"/handoffs/{handoff.id}")).text
    assert re.search(r"file</span>\s*sent", page)


async def test_a_policy_outlives_a_channel_that_goes(
    file: FileSender, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await set_policy(desk, "file", "email")
    choices = {"file": {"minimum_priority": "high"}}
    await desk.http(AMIR).put("/me/notifications", json=choices)
    monkeypatch.delitem(CHANNELS, "file")
    handoff = await desk.escalate(priority="high")
    await desk.expect_mails(SENIORS, handoff)
    assert await rows(desk, handoff, channel="file") == []
    assert "file" not in (await desk.http(AMIR).get("/me/notifications")).json()
    faults = (await desk.http(OLIVE).get("/policy")).json()["faults"]
    assert [(fault["path"], fault["type"]) for fault in faults] == [
        ("levels/0/channels/0", "unknown_channel")
    ]


async def place(desk: Desk, name: str, *, team_id: UUID | None = None) -> UUID:
    """An endpoint, as the channel's own page would make it."""
    endpoint_id = new_id()
    values = {"id": endpoint_id, "account_id": ACME, "channel": "board", "team_id": team_id}
    async with desk.database.engine_room() as connection:
        await connection.execute(
            insert(EndpointRow).values(**values, name=name, address=f"{name.lower()}.board")
        )
    return endpoint_id


@pytest.fixture
def board(register: Callable[[Channel], FileSender]) -> FileSender:
    """A channel that reaches places of the account instead of people."""
    return register(
        Channel(
            name="board",
            label="Board",
            message="notice",
            messages="notices",
            about="A notice on the team's board.",
            reaches=Reaches.ENDPOINTS,
        )
    )


@pytest.mark.parametrize(
    ("team_id", "reached"), [(NETWORK, "network.board"), (None, "everybody.board")]
)
async def test_an_endpoint_is_a_destination_like_a_person(
    board: FileSender, desk: Desk, team_id: UUID | None, reached: str
) -> None:
    await place(desk, "Everybody")
    await place(desk, "Network", team_id=NETWORK)
    await set_policy(desk, "board")
    started = {"team_id": str(team_id)} if team_id else {}
    session_id = await desk.start_session(BO, **started)
    answer = (await desk.hand_off(session_id)).json()
    handoff = Handoff(UUID(answer["id"]), session_id, BO)

    async def sent() -> list[dict[str, Any]]:
        return await rows(desk, handoff, channel="board", state="sent")

    [row] = await desk.until(sent)
    assert board.readers() == [reached]
    assert row["recipient"]["kind"] == "endpoint"
    assert row["recipient"]["name"].lower() + ".board" == reached
    assert "board" not in (await desk.http(CHEN).get("/me/notifications")).json()
    question = {"session_team_id": str(team_id)} if team_id else {}
    ahead = (await desk.http(OLIVE).post("/policy/preview", json=question)).json()["rounds"][0]
    assert [one["name"].lower() + ".board" for one in ahead["endpoints"]] == [reached]


async def test_a_place_that_was_closed_meanwhile_gets_nothing(
    board: FileSender, desk: Desk
) -> None:
    endpoint_id = await place(desk, "Everybody")
    board.may_go_on.clear()
    await set_policy(desk, "board")
    handoff = await desk.escalate()
    async with asyncio.timeout(15):
        await board.waiting.wait()
    async with desk.database.engine_room() as connection:
        closed = update(EndpointRow).where(EndpointRow.id == endpoint_id)
        await connection.execute(closed.values(disabled_at=func.now()))
    board.may_go_on.set()

    async def skipped() -> list[dict[str, Any]]:
        return await rows(desk, handoff, channel="board", state="skipped")

    [row] = await desk.until(skipped)
    assert row["reason"] == "no_longer_eligible"
    assert board.lines() == []


async def test_a_level_that_reaches_no_place_is_warned_of(board: FileSender, desk: Desk) -> None:
    await set_policy(desk, "board")
    ahead = (await desk.http(OLIVE).post("/policy/preview", json={})).json()["rounds"][0]
    assert {"nobody", "channel_without_endpoint"} <= {one["type"] for one in ahead["warnings"]}
