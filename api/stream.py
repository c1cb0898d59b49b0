"""What one live stream sends, whatever the wire: events in order, from where the client stands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from api.hub import Feed, Hub, Rung
from handoff.contract import Actor
from handoff.database import Database, people

KEEP_ALIVE = 15.0
"""Seconds without an event after which the stream says that it lives."""

RIGHTS_EVERY = 15.0
"""Seconds after which an open stream asks again whether its reader may still read."""


@dataclass(frozen=True, slots=True)
class Resync:
    """The client's position is of no use: read the queue again, and go on from `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Nothing happened."""


@dataclass(frozen=True, slots=True)
class Bye:
    """The stream ends, and why: `drain` (connect again) or `rights` (sign in again)."""

    reason: str


Item = Rung | Resync | KeepAlive | Bye


class Stream:
    """One reader's way through the account's events."""

    def __init__(self, hub: Hub, database: Database, reader: Actor) -> None:
        self._hub = hub
        self._database = database
        self._reader = reader

    async def items(self, resume_from: str | None) -> AsyncIterator[Item]:
        """Events without gaps from `resume_from` (an event number) or from now on, for ever.

        No database connection is held while it waits.
        """
        account_id = self._reader.account_id
        async with self._hub.listen(account_id) as (feed, ear):
            first, last = await self._hub.bounds(account_id)
            position = _position(resume_from, first, last)
            if position is None:
                yield Resync(last)
                position = last
            checked = asyncio.get_running_loop().time()
            while not self._hub.draining.is_set():
                ear.clear()
                while found := await self._next(feed, position):
                    for rung in found:
                        yield rung
                    position = found[-1].number
                if not await _wait(ear, KEEP_ALIVE):
                    yield KeepAlive()
                now = asyncio.get_running_loop().time()
                if now - checked >= RIGHTS_EVERY:
                    if not await self._may_still_read():
                        yield Bye("rights")
                        return
                    checked = now
            yield Bye("drain")

    async def _next(self, feed: Feed, position: int) -> list[Rung]:
        at_hand = feed.after(position)
        return await self._hub.history(feed.account_id, position) if at_hand is None else at_hand

    async def _may_still_read(self) -> bool:
        async with self._database.engine_room() as connection:
            known = await people.identify(connection, self._reader.id)
        return known is not None and known.account_id == self._reader.account_id


def _position(resume_from: str | None, first: int, last: int) -> int | None:
    """Where to go on; None when that is too old, unreadable or ahead of the account."""
    if resume_from is None:
        return last
    if not (resume_from.isascii() and resume_from.isdigit() and len(resume_from) < 19):
        return None
    number = int(resume_from)
    return number if first - 1 <= number <= last else None


async def _wait(ear: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await ear.wait()
    return False
