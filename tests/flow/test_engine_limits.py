"""What the engine must survive: floods of signals, long lives, evicted workflows, old histories."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from handoff.temporal.codec import data_converter
from handoff.temporal.connect import connect, prepare_namespace
from handoff.temporal.key_ring import KeyRing
from tests.support.cast import AMIR, BO, CHEN, OLIVE, SENIORS
from tests.support.desk import KEYRING, PAYLOAD_KEYS, Desk, open_desk
from tests.support.servers import Servers, running_servers
from workflows.handoff import HandoffWorkflow
from workflows.running import sandbox

HISTORIES = Path(__file__).parent / "histories"


async def test_forged_signals_change_nothing_and_stop_nothing(desk: Desk) -> None:
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    workflow = desk.workflow(handoff)
    for _ in range(5):
        await asyncio.gather(*(workflow.signal("claim", "nonsense") for _ in range(200)))
    seen = await desk.see(handoff)
    assert (seen["status"], seen["claimed_by"]) == ("open", None)
    assert (await desk.claim(AMIR, handoff)).status_code == 200
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    assert await desk.history(handoff) == ["created", "notified", "claimed"]


@pytest.fixture(scope="module")
async def small_engine(
    tmp_path_factory: pytest.TempPathFactory, servers: Servers
) -> AsyncIterator[Any]:
    """A Temporal server that suggests a fresh run after a few dozen events."""
    with running_servers(
        Path(tmp_path_factory.mktemp("small")),
        dynamic_config={"limit.historyCount.suggestContinueAsNew": "40"},
        temporal_in_memory=True,
        durable=False,
    ) as servers_of_its_own:
        client = await connect(
            keyring=KEYRING, target_host=servers_of_its_own.temporal_address, namespace="handoff"
        )
        await prepare_namespace(client)
        yield client


async def test_a_long_life_is_carried_on_by_fresh_runs_without_loss_or_double(
    servers: Servers, database_url: str, small_engine: Any
) -> None:
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=small_engine,
        max_rounds=20,
    ) as desk:
        handoff = await desk.escalate()
        first_run = (await desk.workflow(handoff).describe()).run_id
        for number in range(1, 13):
            await desk.expect_mails(SENIORS, handoff, round=number)
            hurried = await desk.command(BO, handoff, "escalate-now", {"round": number})
            assert hurried.status_code == 200
        await desk.expect_mails(SENIORS, handoff, round=13)
        assert (await desk.claim(AMIR, handoff)).status_code == 200
        for member in (CHEN, OLIVE, BO):
            await desk.expect_mail(member, handoff, says="Claimed by Amir")
        assert (await desk.workflow(handoff).describe()).run_id != first_run
        history = await desk.history(handoff)
        assert history.count("re_escalated") == 12
        assert [int(mail.message["X-Handoff-Round"]) for mail in desk.postbox.mails_to(CHEN.email)][
            :13
        ] == list(range(1, 14))


@pytest.mark.desk(workflow_slots=0)
async def test_a_worker_without_a_cache_carries_on_by_replaying(desk: Desk) -> None:
    await desk.stop_worker()
    await desk.start_worker(cached_workflows=0)
    handoff = await desk.escalate()
    await desk.expect_mails(SENIORS, handoff, round=1)
    await desk.command(BO, handoff, "escalate-now", {"round": 1})
    await desk.expect_mails(SENIORS, handoff, round=2)
    await desk.claim(AMIR, handoff)
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Claimed by Amir")
    await desk.command(AMIR, handoff, "resolve", {"outcome": "fixed"})
    for member in (CHEN, OLIVE, BO):
        await desk.expect_mail(member, handoff, says="Resolved by Amir")
    await desk.workflow(handoff).result()


@pytest.mark.parametrize("recorded", sorted(HISTORIES.glob("*.json")), ids=lambda path: path.stem)
async def test_recorded_histories_replay(recorded: Path) -> None:
    replayer = Replayer(
        workflows=[HandoffWorkflow],
        workflow_runner=sandbox(),
        data_converter=data_converter(KeyRing.parse(PAYLOAD_KEYS), "handoff"),
    )
    text = recorded.read_text()
    # What was sealed for one workflow opens for no other.
    started = json.loads(text)["events"][0]["workflowExecutionStartedEventAttributes"]
    await replayer.replay_workflow(WorkflowHistory.from_json(started["workflowId"], text))
