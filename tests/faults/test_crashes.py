"""kill -9 of each part of a real stack under load: what was accepted is recorded and told."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from temporalio.client import WorkflowExecutionStatus

from handoff.stack.state import StackState, read_state
from handoff.temporal.connect import UNANSWERED, connect
from handoff.tokens import mint
from tests.smoke.stack import RunningStack, new_place, supervised
from tests.support.postbox import Mail, Postbox

ACME = "0198c000-0000-7000-8000-00000000ac"
BO, CHEN = UUID(ACME + "03"), UUID(ACME + "04")
SENIORS = ("olive@acme.test", "amir@acme.test", "chen@acme.test", "dara@acme.test")


@asynccontextmanager
async def _stack(place: Path, postbox: Postbox) -> AsyncIterator[RunningStack]:
    data_dir = place / "stack"
    command = [sys.executable, "-m", "handoff", "up", "--port", "0", "--data-dir", str(data_dir)]
    environment = {"HANDOFF_SMTP_URL": postbox.url, "HANDOFF_SMTP_RETRY_INITIAL": "200ms"}
    with supervised(data_dir, command, environment) as stack:
        await asyncio.to_thread(stack.wait_ready, 60.0)
        yield stack


def _client(state: StackState, user: UUID) -> httpx.AsyncClient:
    assert state.auth_secret is not None
    token = mint(user, secret=state.auth_secret, lifetime=timedelta(hours=1), now=datetime.now(UTC))
    return httpx.AsyncClient(
        base_url=state.api_url or "",
        headers={"Authorization": f"Bearer {token}"},
        timeout=15,
        trust_env=False,
    )


async def _escalate(bo: httpx.AsyncClient, key: str) -> str:
    """Tries, as a careful client would, until it is accepted; the handoff's path."""
    async with asyncio.timeout(60):
        while True:
            try:
                session = await bo.post(
                    "/ai-sessions", json={"title": key}, headers={"Idempotency-Key": f"s-{key}"}
                )
                answer = await bo.post(
                    f"/ai-sessions/{session.json()['id']}/handoff",
                    json={"intent": "escalate", "priority": "urgent"},
                    headers={"Idempotency-Key": f"h-{key}"},
                )
                if answer.status_code in (201, 202):
                    return answer.headers["Location"]
            except (httpx.HTTPError, KeyError, ValueError):
                pass
            await asyncio.sleep(0.1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("part", ["worker", "api", "temporal", "postgres", "valkey"])
async def test_what_was_accepted_survives_the_death_of(part: str) -> None:
    with new_place() as place:
        async with Postbox() as postbox, _stack(place, postbox) as stack:
            state = stack.state
            async with _client(state, BO) as bo, _client(state, CHEN) as chen:
                escalating = [
                    asyncio.create_task(_escalate(bo, f"{part}-{number}")) for number in range(12)
                ]
                await asyncio.wait(escalating, return_when=asyncio.FIRST_COMPLETED)
                os.kill(state.pids[part], signal.SIGKILL)
                paths = await asyncio.gather(*escalating)
                assert len(set(paths)) == 12
                for path in paths:
                    await _all_told(bo, postbox, path)
                await _is_restarted(stack, part, state.pids[part])
                assert (await chen.post(f"{paths[0]}/claim")).status_code == 200


@pytest.mark.timeout(240)
async def test_what_the_engine_lost_with_its_store_goes_on_within_seconds() -> None:
    with new_place() as place:
        async with Postbox() as postbox, _stack(place, postbox) as stack:
            state = stack.state
            async with _client(state, BO) as bo:
                paths = [await _escalate(bo, f"lost-{number}") for number in range(12)]
                for path in paths:
                    await _all_told(bo, postbox, path)
                for file in (stack.data_dir / "temporal").glob("temporal.db*"):
                    file.unlink()
                os.kill(state.pids["temporal"], signal.SIGKILL)
                await _is_restarted(stack, "temporal", state.pids["temporal"])
                # By itself a worker gives up after forty seconds; the auditor looks each minute.
                async with asyncio.timeout(20):
                    await _all_run(state, paths)
                    for path in paths:
                        assert (await bo.post(f"{path}/escalate-now", json={"round": 1})).is_success
                    for path in paths:
                        await _until_round(bo, path, 2)


async def _all_run(state: StackState, paths: list[str]) -> None:
    engine = await connect(lazy=True, target_host=state.temporal_address, namespace="handoff")
    for path in paths:
        handle = engine.get_workflow_handle(f"handoff-{path.rpartition('/')[2]}")
        while True:
            with contextlib.suppress(*UNANSWERED):
                if (await handle.describe()).status is WorkflowExecutionStatus.RUNNING:
                    break
            await asyncio.sleep(0.1)


async def _until_round(bo: httpx.AsyncClient, path: str, number: int) -> None:
    while (await bo.get(path)).json()["round"] != number:  # noqa: ASYNC110 - asked over HTTP
        await asyncio.sleep(0.05)


async def _all_told(bo: httpx.AsyncClient, postbox: Postbox, path: str) -> None:
    handoff_id = path.rpartition("/")[2]

    def about(mail: Mail) -> bool:
        return bool(mail.message["X-Handoff-Id"] == handoff_id)

    for senior in SENIORS:
        await postbox.wait_for(_to(senior, about), within=60)
    async with asyncio.timeout(60):
        while True:
            try:
                seen = (await bo.get(path)).json()
                break
            except (httpx.HTTPError, ValueError):
                await asyncio.sleep(0.1)
    assert (seen["status"], seen["round"]) == ("open", 1)
    ids: dict[str, set[str]] = {}
    for mail in filter(about, postbox.mails):
        ids.setdefault(mail.recipients[0], set()).add(mail.message_id)
    assert {len(of_one) for of_one in ids.values()} == {1}


def _to(address: str, about: Callable[[Mail], bool]) -> Callable[[Mail], bool]:
    return lambda mail: about(mail) and address in mail.recipients


async def _is_restarted(stack: RunningStack, part: str, dead: int) -> None:
    async with asyncio.timeout(30):
        while True:
            state = read_state(stack.data_dir)
            if state is not None and state.pids.get(part, dead) != dead:
                return
            await asyncio.sleep(0.05)
