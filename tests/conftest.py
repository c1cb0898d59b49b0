"""What every test stands on: the real servers, once per run; a database and a desk per test."""

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import structlog
from temporalio.api.common.v1 import TimeSkippingConfig
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowUpdateWithStartInput,
    WorkflowUpdateHandle,
)

from handoff.database import schema
from handoff.temporal.connect import connect, prepare_namespace
from tests.support.desk import KEYRING, Desk, bring_everybody_in, open_desk
from tests.support.servers import Servers, running_servers
from tests.support.statements import compile_once

TEMPLATE = "handoff_template"


def pytest_configure(config: pytest.Config) -> None:
    """The tests' own marks."""
    # The usual renderer draws the locals of every frame: seconds for one error that was expected.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    config.addinivalue_line("markers", "desk(**settings): settings of the test's desk")
    config.addinivalue_line("markers", "alone: loads the machine, so it runs after all others")
    config.addinivalue_line("markers", "skipping_time: workflows skip over waits")
    config.addinivalue_line("markers", "expects_errors: errors in the log are part of the story")


@pytest.fixture(scope="session", autouse=True)
def _statements() -> None:
    compile_once()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL, Valkey and Temporal, as the embedded stack runs them."""
    with running_servers(
        Path(tmp_path_factory.mktemp("stack")),
        dynamic_config={"frontend.WorkflowTimeSkippingEnabled": "true"},
        temporal_in_memory=True,
        durable=False,
    ) as servers:
        os.environ["TEMPORAL_ADDRESS"] = servers.temporal_address
        os.environ["TEMPORAL_NAMESPACE"] = "handoff"
        yield servers


@pytest.fixture(scope="session")
async def temporal(servers: Servers) -> Client:
    """A client of a namespace that is prepared as in production."""
    client = await connect(keyring=KEYRING)
    await prepare_namespace(client)
    return client


@pytest.fixture(scope="session")
async def template(servers: Servers) -> str:
    """A database made once by the real migrations and import, for every test to be cloned from."""
    await _admin(servers, f"CREATE DATABASE {TEMPLATE}")
    await asyncio.to_thread(schema.upgrade, _dsn(servers, TEMPLATE, "postgresql+asyncpg"))
    await bring_everybody_in(_dsn(servers, TEMPLATE, "postgresql"))
    return TEMPLATE


@pytest.fixture(scope="session")
async def new_database(
    servers: Servers, template: str
) -> AsyncIterator[Callable[[], AbstractAsyncContextManager[str]]]:
    """Clones the template for as long as a block lasts. The next one is made, and the last one
    dropped, while a test is at work."""

    async def clone() -> str:
        name = f"test_{uuid4().hex}"
        # As files: what the first connections have learnt of the template is copied, too.
        await _admin(servers, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    async def drop(name: str) -> None:
        # What a test has killed it with does not come back with it.
        with contextlib.suppress(OSError, asyncpg.PostgresError):
            await _admin(servers, f"DROP DATABASE {name} WITH (FORCE)")

    following = asyncio.create_task(clone())
    dropping: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def made() -> AsyncIterator[str]:
        nonlocal following
        try:
            name = await following
        except (OSError, asyncpg.PostgresError):
            # It was begun while a test had PostgreSQL killed.
            name = await clone()
        following = asyncio.create_task(clone())
        yield _dsn(servers, name, "postgresql")
        dropped = asyncio.create_task(drop(name))
        dropping.add(dropped)
        dropped.add_done_callback(dropping.discard)

    yield made
    await asyncio.gather(following, *dropping, return_exceptions=True)


@pytest.fixture
async def database_url(
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[str]:
    """A database of the test's own."""
    async with new_database() as url:
        yield url


async def _admin(servers: Servers, statement: str) -> None:
    connection = await asyncpg.connect(_dsn(servers, "postgres", "postgresql"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _dsn(servers: Servers, name: str, scheme: str) -> str:
    _, _, rest = servers.database_url.partition("://")
    return f"{scheme}://{rest.rpartition('/')[0]}/{name}"


class _SkipTime(Interceptor):
    """Starts workflows whose timers fire as soon as nothing else is to be done."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _SkippingStarts(next)


class _SkippingStarts(OutboundInterceptor):
    async def start_update_with_start_workflow(
        self, input: StartWorkflowUpdateWithStartInput
    ) -> WorkflowUpdateHandle[Any]:
        input.start_workflow_input.time_skipping_config = TimeSkippingConfig(enabled=True)
        return await super().start_update_with_start_workflow(input)


@pytest.fixture
async def desk(
    request: pytest.FixtureRequest, servers: Servers, database_url: str, temporal: Client
) -> AsyncIterator[Desk]:
    """People at work on real parts. `@pytest.mark.desk(claim_timeout="2s")` sets settings."""
    mark = request.node.get_closest_marker("desk")
    overrides: dict[str, Any] = dict(mark.kwargs) if mark else {}
    skipping = None
    if request.node.get_closest_marker("skipping_time"):
        skipping = await connect(keyring=KEYRING, interceptors=[_SkipTime()])
    async with open_desk(
        database_url=database_url,
        redis_url=servers.redis_url,
        temporal=temporal,
        api_temporal=skipping,
        **overrides,
    ) as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_errors_in_the_log(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> Iterator[None]:
    """An error in the log fails the test, unless it said that one would come."""
    yield
    if request.node.get_closest_marker("expects_errors"):
        return
    with contextlib.suppress(KeyError):
        records = caplog.get_records("setup") + caplog.get_records("call")
        errors = [record.getMessage() for record in records if record.levelno >= logging.ERROR]
        assert not errors, f"errors in the log: {errors}"
