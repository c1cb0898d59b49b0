"""One account's slow places hold up nobody else: so many of its messages leave at once.

Nobody waits here for long, for who waits holds a place that others need: who finds no turn comes
again.
"""

import random
from collections.abc import AsyncIterator, Hashable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from time import monotonic
from uuid import UUID

from activities.sender import NotNow
from handoff.database.turns import Turns
from handoff.errors import Busy

AGAIN = timedelta(seconds=1)

A_SECOND = 50
"""So many of one account are told to come again in one second: thousands that came again each
second would leave a worker time for nothing but to turn them away."""


WAITING = 1000
"""So many of one account wait at the most."""


def soon(pause: timedelta = AGAIN) -> timedelta:
    """About so long: those who were turned away together do not come again together."""
    return pause * random.uniform(0.75, 1.25)  # noqa: S311 - it hides nothing


class AccountTurns:
    """For each account so many at once, and of them so many at one place of it.

    Args:
        of_account: so many of one account.
        at_place: so many of these at the same place; without it, all may be at one.
        waits: seconds for which a turn may be waited for, where they usually are short.
    """

    def __init__(self, *, of_account: int, at_place: int | None = None, waits: float = 0.0) -> None:
        self._of_account = _turns(of_account, waits)
        self._at_place = _turns(at_place or of_account, waits)
        self._told: dict[UUID, float] = {}

    @asynccontextmanager
    async def turn(self, account_id: UUID, place: Hashable = None) -> AsyncIterator[None]:
        """A turn for as long as the block lasts.

        Raises:
            NotNow: there is none.
        """
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(self._at_place.of((account_id, place)))
                await held.enter_async_context(self._of_account.of(account_id))
            except Busy:
                raise NotNow(self._again(account_id)) from None
            yield

    def _again(self, account_id: UUID) -> timedelta:
        """One after the other, however many come."""
        now = monotonic()
        told = max(self._told.get(account_id, now), now) + 1 / A_SECOND
        self._told[account_id] = told
        return soon(max(AGAIN, timedelta(seconds=told - now)))


def _turns(at_once: int, waits: float) -> Turns:
    return Turns(at_once=at_once, waiting=WAITING if waits else 0, seconds=waits or 1.0)
