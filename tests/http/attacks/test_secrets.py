"""A whole stack at log level debug, with a story full of things that must stay where they are: none
of them stands in a log, on the terminal, in a metric or in an error."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
import websockets

from handoff.stack.files import read_json_object
from handoff.stack.state import StackState
from handoff.tokens import mint
from tests.smoke.stack import RunningStack, new_place, supervised

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stack's tests need /proc")

ACCOUNT, TEAM, BO, AMIR = (f"0198c000-0000-7000-8000-0000000005{n:02x}" for n in range(4))
CANARY = "canary-4f7a"
TYPED = {
    name: f"{CANARY}-{name}"
    for name in ("title", "notes", "key", "value", "reason", "outcome", "unknown", "replay", "name")
}
ADDRESSES = [f"{CANARY}-bo@secret.test", f"{CANARY}-amir@secret.test"]
PEOPLE = {
    "accounts": [
        {
            "id": ACCOUNT,
            "name": "Acme",
            "teams": [{"id": TEAM, "name": "Network"}],
            "users": [
                {"id": BO, "email": ADDRESSES[0], "name": "Bo", "role": "engineer"},
                {"id": AMIR, "email": ADDRESSES[1], "name": "Amir", "role": "admin"},
            ],
        }
    ]
}


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    with new_place() as place:
        arguments = ["up", "--port=0", "--no-demo", f"--data-dir={place / 'data'}"]
        environment = {"HANDOFF_LOG_LEVEL": "debug", "HANDOFF_NUDGE_AFTER": "300ms"}
        command = [sys.executable, "-m", "handoff", *arguments]
        with supervised(place / "data", command, environment) as running:
            running.wait_ready()
            yield running


class Teller:
    """One person of the story, with their token."""

    def __init__(self, state: StackState, user_id: str) -> None:
        self.token = mint(
            UUID(user_id),
            secret=state.auth_secret or "",
            lifetime=timedelta(hours=1),
            now=datetime.now(UTC),
        )
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.http = httpx.AsyncClient(
            base_url=state.api_url or "", headers=self.headers, timeout=30, trust_env=False
        )

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=headers)


async def bring_people_in(stack: RunningStack, place: Path) -> None:
    file = place / "people.json"
    file.write_text(json.dumps(PEOPLE))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "handoff", "import", str(file)),
        f"--data-dir={stack.data_dir}",
    )
    assert await process.wait() == 0


async def tell_the_story(state: StackState) -> tuple[list[str], list[httpx.Response]]:
    """Everything that goes well, and much that does not; the tokens, and all that was refused."""
    bo, amir = Teller(state, BO), Teller(state, AMIR)
    refused = []
    title, notes = {"title": TYPED["title"]}, TYPED["notes"]
    async with bo.http, amir.http, amir.http.stream("GET", "/events") as stream:
        assert stream.status_code == 200
        socket = f"ws://{urlsplit(state.api_url or '').netloc}/events/ws"
        async with websockets.connect(socket, additional_headers=amir.headers) as events:
            await events.send(json.dumps({"resume_from": 0}))
            session = (await bo.post("/ai-sessions", title)).json()["id"]
            path = f"/ai-sessions/{session}/handoff"
            body = {"intent": "escalate", "engineer_notes": notes, "context": {TYPED["key"]: 1}}
            for _ in range(2):
                made = await bo.post(path, body, **{"Idempotency-Key": TYPED["replay"]})
                assert made.status_code == 201, made.text
            frame = await asyncio.wait_for(events.recv(), 20)
            assert notes in str(frame)
        handoff = f"{path}s/{made.json()['id']}"
        assert (await amir.post(f"{handoff}/claim", None)).status_code == 200
        assert (await amir.post(f"{handoff}/release", {"reason": TYPED["reason"]})).is_success
        # PostgreSQL dies under the next ones.
        os.kill(state.pids["postgres"], signal.SIGKILL)
        for _ in range(5):
            refused.append(await amir.post(f"{handoff}/claim", {"unknown": TYPED["unknown"]}))
            refused.append(await bo.post("/ai-sessions", title, **{"Idempotency-Key": "k2"}))
        deadline = asyncio.get_running_loop().time() + 30
        while (await bo.http.get("/ai-sessions")).status_code != 200:
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.1)
        refused += [
            await bo.post(path, {**body, TYPED["unknown"]: TYPED["value"]}),
            await bo.post(path, {**body, "intent": TYPED["value"]}),
            await bo.post("/ai-sessions", {"title": TYPED["title"] * 100}),
            await bo.post(path, body, **{"Idempotency-Key": TYPED["replay"] * 30}),
            await bo.http.get(f"/ai-sessions/{TYPED['value']}"),
            await bo.http.get("/ai-sessions", headers={"Authorization": f"Bearer {bo.token}x"}),
        ]
        done = await amir.post(f"{handoff}/claim", None)
        assert done.status_code == 200, done.text
        resolved = {"outcome": "fixed", "note": TYPED["outcome"]}
        assert (await amir.post(f"{handoff}/resolve", resolved)).status_code == 200
        refused.append(await bo.http.get("/metrics"))
        refused.append(await bo.http.get("/readyz"))
    return [bo.token, amir.token], refused


def what_was_said(stack: RunningStack) -> dict[str, str]:
    logs = {str(path.name): path for path in (stack.data_dir / "logs").rglob("*")}
    return {"the terminal": stack.said} | {
        name: path.read_text(errors="replace") for name, path in logs.items()
    }


def secrets_of(stack: RunningStack) -> dict[str, str]:
    kept = read_json_object(stack.data_dir / "secrets.json")
    return {name: str(value) for name, value in kept.items() if name != "annex"}


async def test_nothing_that_must_stay_secret_is_told(stack: RunningStack, tmp_path: Path) -> None:
    state = stack.state
    await bring_people_in(stack, tmp_path)
    tokens, refused = await tell_the_story(state)
    secrets = secrets_of(stack)
    assert {"auth_secret", "payload_key", "postgres_password"} <= secrets.keys()
    hidden = [CANARY, *ADDRESSES, *tokens, *(token.split(".")[2] for token in tokens)]
    hidden += [secret for name, secret in secrets.items() if name != "temporal_http_host"]
    for place, text in what_was_said(stack).items():
        for secret in hidden:
            assert secret not in text, (place, secret, _around(text, secret))
    for answer in refused:
        # A name that should not be there is told to whoever sent it, so that they find it.
        told = answer.text.replace(TYPED["unknown"], "")
        for secret in hidden:
            assert secret not in told, (answer.url, told)
        assert "Traceback" not in told
    for line in what_was_said(stack)["api.log"].splitlines():
        assert json.loads(line)["event"]


def _around(text: str, secret: str) -> str:
    at = text.index(secret)
    return text[max(0, at - 300) : at + 300]
