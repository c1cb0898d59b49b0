"""Turns at what is shared, as connections are: one account's trouble leaves the others some."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from handoff.errors import Busy

RETRY_AFTER = 2
"""Seconds that somebody is told to stay away who was not let in."""


@dataclass(slots=True)
class _Account:
    free: asyncio.Semaphore
    there: int = field(default=0)


class Turns:
    """So many of one account work at once; so many more wait, and not for long.

    Args:
        at_once: how many work.
        waiting: how many more may wait for them.
        seconds: for how long.
    """

    def __init__(self, *, at_once: int, waiting: int, seconds: float) -> None:
        self._at_once = at_once
        self._most = at_once + waiting
        self._seconds = seconds
        self._accounts: dict[Hashable, _Account] = {}

    @asynccontextmanager
    async def of(self, account: Hashable) -> AsyncIterator[None]:
        """The next turn of an account, or of one thing of it, for as long as the block lasts.

        Raises:
            Busy: too many wait already, or it did not come in time.
        """
        its = self._accounts.setdefault(account, _Account(asyncio.Semaphore(self._at_once)))
        if its.there >= self._most:
            raise _busy()
        its.there += 1
        try:
            await self._come(its)
            try:
                yield
            finally:
                its.free.release()
        finally:
            its.there -= 1
            if not its.there:
                del self._accounts[account]

    async def _come(self, account: _Account) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await account.free.acquire()
        except TimeoutError:
            raise _busy() from None


def _busy() -> Busy:
    return Busy(
        "Something of this account holds up what it asks for. Nothing was changed; try again.",
        retry_after=RETRY_AFTER,
    )
