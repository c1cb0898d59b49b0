"""docs/routes.md, cell by cell: each role on what is theirs, another account's, and nothing."""

import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from tests.support.desk import open_desk
from tests.support.document import operations
from tests.support.route_scenes import NAMED, ROLES, Path, Scenes, body_of
from tests.support.route_table import rows
from tests.support.servers import Servers

TABLE = rows()
TARGETS = ("own", "foreign", "unknown")
NOT_COMPARED = ("date", "content-length")


@pytest.fixture(scope="module")
async def scenes(
    servers: Servers,
    temporal: Client,
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[Scenes]:
    """Two accounts, and a desk where things can be done."""
    async with (
        new_database() as url,
        open_desk(
            database_url=url, redis_url=servers.redis_url, temporal=temporal, rate_trials_per_user=0
        ) as desk,
    ):
        desk.mail_matters = False
        async with Scenes.set(desk) as made:
            yield made


def test_every_operation_is_in_the_table() -> None:
    assert sorted(TABLE) == sorted(operations())


@pytest.mark.parametrize("operation_id", sorted(operations()))
def test_the_call_is_the_one_that_is_made(operation_id: str) -> None:
    method, path, _ = operations()[operation_id]
    shown = TABLE[operation_id].call.split()
    assert shown[0] == method
    assert path.endswith(shown[1].removeprefix("…"))


@pytest.mark.parametrize("role", ["stranger", *ROLES])
@pytest.mark.parametrize("operation_id", sorted(operations()))
async def test_a_cell(scenes: Scenes, operation_id: str, role: str) -> None:
    row = TABLE[operation_id]
    expected = row.expected(role)
    paths: dict[str, Path] = {"own": await scenes.own(operation_id, role)}
    if "{" in operations()[operation_id][1]:
        paths |= {"foreign": scenes.foreign, "unknown": scenes.unknown()}
    answers = {
        target: await ask(scenes, operation_id, role, path) for target, path in paths.items()
    }
    found = {target: answer.status_code for target, answer in answers.items()}
    assert found == {target: expected[target] for target in paths}, row
    if len(paths) > 1 and expected["foreign"] == expected["unknown"] >= 400:
        assert same(answers["foreign"], paths["foreign"]) == same(
            answers["unknown"], paths["unknown"]
        )


async def ask(scenes: Scenes, operation_id: str, role: str, path: Path) -> httpx.Response:
    method, template, _ = operations()[operation_id]
    body = body_of(operation_id, path)
    request: dict[str, Any] = {} if body is None else {"json": body}
    if isinstance(body, bytes):
        request = {"content": body, "headers": NAMED}
    http = scenes.http(role)
    async with http.stream(method, template.format(**path), **request) as answer:
        if "event-stream" not in answer.headers.get("content-type", ""):
            await answer.aread()
        return answer


def same(answer: httpx.Response, path: Path) -> tuple[Any, ...]:
    """What a caller could tell two answers apart by, but for the ids that they sent."""
    text = answer.text
    for value in path.values():
        text = text.replace(str(value), "…")
    headers = [item for item in answer.headers.multi_items() if item[0] not in NOT_COMPARED]
    return answer.status_code, text, headers


async def test_another_accounts_handoff_takes_no_longer(scenes: Scenes) -> None:
    """Both are the same query; a difference would be somebody's mistake, and a large one."""
    http = scenes.http("engineer")
    took: dict[str, list[float]] = {"foreign": [], "unknown": []}
    for _ in range(60):
        for target, path in (("foreign", scenes.foreign), ("unknown", scenes.unknown())):
            url = "/ai-sessions/{session_id}/handoffs/{handoff_id}".format(**path)
            began = time.perf_counter()
            assert (await http.get(url)).status_code == 404
            took[target].append(time.perf_counter() - began)
    medians = {target: statistics.median(times) for target, times in took.items()}
    assert 0.4 < medians["foreign"] / medians["unknown"] < 2.5, medians
