"""What stories of webhooks and callbacks share."""

from collections.abc import AsyncIterator

import pytest

from tests.support.receiver import Receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A program of the account's own, that takes everything."""
    async with Receiver() as opened:
        yield opened
