"""A desk that many small questions to the HTTP interface share: one per file, without a worker."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from temporalio.client import Client

from tests.support.desk import Desk, open_desk
from tests.support.servers import Servers


@pytest.fixture(scope="module")
async def front_desk(
    servers: Servers,
    temporal: Client,
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[Desk]:
    """Nobody carries anything out here, so nothing is sent, and a handoff is only accepted."""
    async with (
        new_database() as url,
        open_desk(
            database_url=url, redis_url=servers.redis_url, temporal=temporal, worker=False
        ) as opened,
    ):
        yield opened
