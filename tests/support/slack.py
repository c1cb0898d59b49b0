"""A Slack that checks what it is given as the real one does, and misbehaves when it is told to."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.support.cast import Member
from tests.support.provider import free_port
from tests.support.serving import serving

TOKEN = "xoxb-a-token-of-the-tests"
SIGNING_SECRET = "a signing secret".replace(" ", "-")

Trouble = Callable[[], Response | None]
"""Answers instead; with None it was done, and the answer is lost."""


@dataclass(slots=True)
class SlackMessage:
    """One message as it stands, its thread, and how often it was changed."""

    channel: str
    ts: str
    text: str
    blocks: list[dict[str, Any]]
    metadata: dict[str, Any]
    thread: list[str] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    """The thread as programs read it."""
    shown: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """All that can be read in it."""
        return json.dumps([self.text, self.blocks, self.thread], ensure_ascii=False)

    def button(self, action_id: str) -> str | None:
        """The value of a button, None where it is not shown."""
        for block in self.blocks:
            for element in block.get("elements", []):
                if element.get("action_id") == action_id:
                    return str(element.get("value", ""))
        return None


@dataclass(slots=True)
class FakeSlack:
    """One workspace."""

    api_url: str
    messages: list[SlackMessage] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    """Mail addresses by Slack's user ids."""
    whispers: list[tuple[str, str]] = field(default_factory=list)
    """Who was told what, seen by nobody else."""
    faults: list[str] = field(default_factory=list)
    """What the real one would not have taken."""
    troubles: defaultdict[str, list[Trouble]] = field(default_factory=lambda: defaultdict(list))
    """By method, for its next calls."""
    closed: set[str] = field(default_factory=set)
    """Channels that the bot is not in any more."""
    holding: str | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once a call was done and is not answered."""
    _may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def message(self) -> SlackMessage:
        """The only one."""
        [message] = self.messages
        return message

    def holds(self, method: str) -> None:
        """What is asked by this method is done, and not answered until `lets_go`."""
        self.holding = method

    def lets_go(self) -> None:
        """Everything is answered again."""
        self.holding = None
        self._may_answer.set()

    def user(self, who: Member) -> str:
        """Slack's id of one of the cast, who has the same address there."""
        user = f"U{who.id.hex[-8:].upper()}"
        self.people[user] = who.email
        return user

    def press(
        self, value: str, user: str, *, action: str = "handoff_claim", **told: Any
    ) -> tuple[bytes, dict[str, str]]:
        """The request of a pressed button: its body, and its headers."""
        hook = self.api_url.removesuffix("/api/") + "/hook/" + user
        payload = {
            "type": "block_actions",
            "user": {"id": user},
            "channel": {"id": "C0"},
            "response_url": hook,
            "actions": [{"action_id": action, "value": value}],
        } | told
        body = urlencode({"payload": json.dumps(payload)}).encode()
        return body, signed(body)

    def _answer(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "chat.postMessage":
                return self._post(given)
            case "chat.update":
                if given["channel"] in self.closed:
                    return {"ok": False, "error": "channel_not_found"}
                message = self._find(given["ts"])
                if message is None or message.channel != given["channel"]:
                    return {"ok": False, "error": "message_not_found"}
                self._check(given)
                message.text, message.blocks = given["text"], given["blocks"]
                message.shown.append(given["text"])
                return {"ok": True, "ts": message.ts}
            case "chat.postEphemeral":
                self.whispers.append((given["user"], given["text"]))
                return {"ok": True}
            case "conversations.history":
                assert given["include_all_metadata"] in (True, 1, "1", "true")
                return {"ok": True, "messages": self._history(given)}
            case "conversations.replies":
                assert given["include_all_metadata"] in (True, 1, "1", "true")
                parent = self._find(given["ts"])
                if parent is None:
                    return {"ok": False, "error": "thread_not_found"}
                return {"ok": True, "messages": parent.replies}
            case "users.info" if given["user"] in self.people:
                return {"ok": True, "user": {"profile": {"email": self.people[given["user"]]}}}
            case "users.info":
                return {"ok": False, "error": "user_not_found"}
        return {"ok": False, "error": "unknown_method"}

    def _post(self, given: dict[str, Any]) -> dict[str, Any]:
        if "thread_ts" in given:
            parent = self._find(given["thread_ts"])
            if parent is None:
                return {"ok": False, "error": "thread_not_found"}
            ts, metadata = f"{time.time():.6f}", given.get("metadata", {})
            parent.thread.append(given["text"])
            parent.replies.append({"ts": ts, "text": given["text"], "metadata": metadata})
            return {"ok": True, "ts": ts}
        self._check(given)
        ts = f"{time.time():.3f}{len(self.messages):03}"
        self.messages.append(
            SlackMessage(
                given["channel"],
                ts,
                given["text"],
                given["blocks"],
                given.get("metadata", {}),
                shown=[given["text"]],
            )
        )
        return {"ok": True, "ts": ts}

    def _history(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"ts": one.ts, "text": one.text, "metadata": one.metadata}
            for one in self.messages
            if one.channel == given["channel"]
            and float(given["oldest"]) < float(one.ts) < float(given["latest"])
        ]

    def _find(self, ts: str) -> SlackMessage | None:
        return next((one for one in self.messages if one.ts == ts), None)

    def _check(self, given: dict[str, Any]) -> None:
        """Block Kit's limits."""
        blocks = given["blocks"]
        self._within(len(blocks), 50, "blocks")
        self._within(len(given["text"]), 4000, "text")
        for block in blocks:
            match block["type"]:
                case "header":
                    self._text(block["text"], "plain_text", 150)
                case "section":
                    if "text" in block:
                        self._text(block["text"], "mrkdwn", 3000)
                    self._within(len(block.get("fields", [])), 10, "fields")
                    for one in block.get("fields", []):
                        self._text(one, "mrkdwn", 2000)
                case "actions":
                    self._within(len(block["elements"]), 25, "elements")
                    for one in block["elements"]:
                        self._text(one["text"], "plain_text", 75)
                        self._within(len(one.get("value", "")), 2000, "value")
                        self._within(len(one.get("url", "")), 3000, "url")
                case other:
                    self.faults.append(f"unknown block {other}")

    def _text(self, text: dict[str, Any], kind: str, longest: int) -> None:
        if text["type"] != kind or not text["text"]:
            self.faults.append(f"no {kind}: {text}")
        self._within(len(text["text"]), longest, kind)

    def _within(self, number: int, most: int, what: str) -> None:
        if number > most:
            self.faults.append(f"{number} {what}, {most} at most")


def signed(body: bytes, *, at: float | None = None, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """Headers as Slack signs a request."""
    timestamp = str(int(time.time() if at is None else at))
    base = b"v0:" + timestamp.encode() + b":" + body
    signature = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": signature,
    }


def _app(slack: FakeSlack) -> FastAPI:
    app = FastAPI()

    @app.api_route("/api/{method}", methods=["GET", "POST"])
    async def call(method: str, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return JSONResponse({"ok": False, "error": "invalid_auth"})
        slack.calls.append(method)
        trouble = slack.troubles[method].pop(0) if slack.troubles[method] else None
        instead = trouble() if trouble else None
        if instead is not None:
            return instead
        answer = slack._answer(method, await _given(request))
        if method == slack.holding:
            slack.held.set()
            await slack._may_answer.wait()
        if trouble:
            # It was done, and nobody hears so.
            return Response(status_code=200, headers={"Content-Length": "1000"})
        return JSONResponse(answer)

    @app.post("/hook/{user}")
    async def hook(user: str, request: Request) -> dict[str, bool]:
        told = await request.json()
        assert told["response_type"] == "ephemeral"
        slack.whispers.append((user, told["text"]))
        return {"ok": True}

    return app


async def _given(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/json"):
        found: dict[str, Any] = await request.json()
        return found
    form = parse_qs((await request.body()).decode())
    return {**request.query_params, **{name: values[0] for name, values in form.items()}}


@contextlib.asynccontextmanager
async def fake_slack() -> AsyncIterator[FakeSlack]:
    """Runs while the test does."""
    port = free_port()
    slack = FakeSlack(f"http://127.0.0.1:{port}/api/")
    async with serving(_app(slack), port=port):
        yield slack
    assert slack.faults == []
