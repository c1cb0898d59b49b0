"""A desk that many small questions to the HTTP interface share: one per file, without a worker."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from temporalio.client import Client

from tests.support.bucket import NAME, running_s3
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


@pytest.fixture(scope="session")
def bucket_url() -> Iterator[str]:
    """A real bucket, which every client of this process finds by its environment."""
    with running_s3() as found_by:
        os.environ.update(found_by)
        yield f"s3://{NAME}/tests"


@pytest.fixture(scope="module", params=["postgresql", "bucket"])
async def files_desk(
    request: pytest.FixtureRequest,
    servers: Servers,
    temporal: Client,
    new_database: Callable[[], AbstractAsyncContextManager[str]],
) -> AsyncIterator[Desk]:
    """The same, and what is in files is kept in the one place or the other."""
    overrides = {}
    if request.param == "bucket":
        overrides["files_url"] = request.getfixturevalue("bucket_url")
    async with (
        new_database() as url,
        open_desk(
            database_url=url,
            redis_url=servers.redis_url,
            temporal=temporal,
            worker=False,
            **overrides,
        ) as opened,
    ):
        yield opened
