"""`handoff demo`: plays the story against a running stack, over its public interface alone."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from handoff.cli.terminal import tell
from handoff.database import people
from handoff.database.gate import Database
from handoff.errors import HandoffError
from handoff.settings import load_settings
from handoff.stack.state import StackState
from handoff.tokens import mint

CAST = ("bo@acme.test", "amir@acme.test", "chen@acme.test")
PATIENCE = 20.0


class _Story:
    """Prints each line with the time since the story began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def tell(self, line: str) -> None:
        tell(f"{time.monotonic() - self._began:7.3f} s  {line}")


class _Player:
    """One person of the demo account, acting over HTTP."""

    def __init__(self, name: str, http: httpx.AsyncClient) -> None:
        self.name = name
        self.http = http
        self.heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def call(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.http.request(method, path, json=body)

    async def listen(self, ready: asyncio.Event) -> None:
        async with self.http.stream("GET", "/events", timeout=None) as stream:
            ready.set()
            async for line in stream.aiter_lines():
                if line.startswith("data: "):
                    await self.heard.put(json.loads(line.removeprefix("data: ")))

    async def hear(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while True:
                event = await self.heard.get()
                if event.get("type") == f"handoff.{kind}":
                    return event


async def play(state: StackState) -> None:
    """Plays it against a running stack, and prints it line by line.

    Raises:
        HandoffError: the story broke off.
    """
    try:
        await _play(state)
    except (httpx.HTTPError, TimeoutError) as fault:
        raise HandoffError(f"The story broke off: {type(fault).__name__} {fault}") from None


async def _play(state: StackState) -> None:
    story = _Story()
    async with _cast(state) as (bo, amir, chen):
        listening = [asyncio.create_task(player.listen(asyncio.Event())) for player in (amir, chen)]
        try:
            handoff_id = await _escalate_and_claim(story, state, bo, amir, chen)
        finally:
            for task in listening:
                task.cancel()
            await asyncio.wait(listening)
    if state.workflows_url:
        story.tell(f"The audit, step by step: {state.workflows_url}/handoff-{handoff_id}")
    story.tell(f"The mails: {state.mail_url}")


@asynccontextmanager
async def _cast(state: StackState) -> AsyncIterator[list[_Player]]:
    tokens = await _tokens(state)
    players = [
        _Player(
            address.partition("@")[0].capitalize(),
            httpx.AsyncClient(
                base_url=state.api_url or "",
                headers={"Authorization": f"Bearer {token}"},
                timeout=10,
                trust_env=False,
            ),
        )
        for address, token in tokens.items()
    ]
    try:
        yield players
    finally:
        for player in players:
            await player.http.aclose()


async def _tokens(state: StackState) -> dict[str, str]:
    if state.auth_secret is None:
        raise HandoffError(
            "The demo needs HANDOFF_AUTH_SECRET; a provider's tokens it cannot make."
        )
    database = Database.connect(load_settings(**_addresses(state)))
    try:
        async with database.engine_room() as connection:
            found = {address: await people.living_ids(connection, address) for address in CAST}
    finally:
        await database.close()
    if missing := [address for address, ids in found.items() if not ids]:
        raise HandoffError(f"The demo account lacks {', '.join(missing)}; it was not imported.")
    return {
        address: mint(
            ids[0], secret=state.auth_secret, lifetime=timedelta(hours=1), now=datetime.now(UTC)
        )
        for address, ids in found.items()
    }


def _addresses(state: StackState) -> dict[str, Any]:
    names = ("database_url", "redis_url", "smtp_url", "auth_secret")
    return {name: getattr(state, name) for name in names}


async def _escalate_and_claim(
    story: _Story, state: StackState, bo: _Player, amir: _Player, chen: _Player
) -> str:
    session = (
        await bo.call("POST", "/ai-sessions", {"title": "VPN drops every ten minutes"})
    ).json()
    story.tell(f"{bo.name} works on «{session['title']}» and is stuck.")
    answer = await bo.call(
        "POST",
        f"/ai-sessions/{session['id']}/handoff",
        {
            "intent": "escalate",
            "priority": "urgent",
            "engineer_notes": "Rekey fails after the firmware update. Logs are in the session.",
        },
    )
    if answer.status_code != 201:
        raise HandoffError(f"The escalation was answered {answer.status_code}: {answer.text}")
    handoff = answer.json()
    path = f"/ai-sessions/{session['id']}/handoffs/{handoff['id']}"
    story.tell(f"{bo.name} escalates: 201, recorded as {handoff['id']}.")
    await asyncio.gather(amir.hear("created"), chen.hear("created"))
    story.tell(f"The row appears on {amir.name}'s and {chen.name}'s screens.")
    await _await_mail(story, state, bo, path, rounds=1)
    await bo.call("POST", f"{path}/escalate-now", {"round": 1})
    await chen.hear("re_escalated")
    story.tell(f"Nobody claims; {bo.name} does not wait: round 2 starts, louder.")
    await _await_mail(story, state, bo, path, rounds=2)
    await _race(story, path, amir, chen)
    history = (await bo.call("GET", f"{path}/events")).json()
    story.tell("History: " + ", ".join(e["type"].removeprefix("handoff.") for e in history) + ".")
    return str(handoff["id"])


async def _await_mail(
    story: _Story, state: StackState, bo: _Player, path: str, *, rounds: int
) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if sent := await _sent(bo, path, rounds):
                break
            await asyncio.sleep(0.05)
    subject = f": «{await _subject(state, sent[0]['message_id'])}»" if state.mail_url else ""
    story.tell(f"Round {rounds}: mail to {len(sent)} people{subject}")


async def _sent(bo: _Player, path: str, round: int) -> list[dict[str, Any]]:
    """The round's mails, once the mail server has taken all of them."""
    rows = (await bo.call("GET", f"{path}/deliveries")).json()
    mails = [row for row in rows if row["channel"] == "email" and row["round"] == round]
    return mails if all(mail["state"] == "sent" for mail in mails) else []


async def _subject(state: StackState, message_id: str) -> str:
    async with httpx.AsyncClient(trust_env=False) as http:
        mails = (await http.get(f"{state.mail_url}/api/messages")).json()
    return next(str(mail["subject"]) for mail in mails if mail["message_id"] == message_id)


async def _race(story: _Story, path: str, amir: _Player, chen: _Player) -> None:
    answers = await asyncio.gather(
        amir.call("POST", f"{path}/claim"), chen.call("POST", f"{path}/claim")
    )
    players = dict(zip((amir, chen), answers, strict=True))
    winner = next(player for player, answer in players.items() if answer.status_code == 200)
    loser = next(player for player, answer in players.items() if answer.status_code == 409)
    holder = players[loser].json()["claimed_by"]["name"]
    story.tell(f"{amir.name} and {chen.name} claim in the same moment: {winner.name} wins.")
    story.tell(f"{loser.name} is told at once: «{holder} has it».")
    await loser.hear("claimed")
    resolved = await winner.call(
        "POST", f"{path}/resolve", {"outcome": "fixed", "note": "Rolled back the firmware."}
    )
    story.tell(f"{winner.name} resolves it: {resolved.json()['status']}.")
