"""What one live stream sends, whatever the wire: events in order, from where the client stands.

No database connection is held while a stream waits or writes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from api.live.feed import BATCH_CHARACTERS, Ear, Encoded
from api.live.hub import PAUSE, Hub
from handoff.contract.people import Actor
from handoff.database import outages

RIGHTS_HOLD = 30.0
"""Seconds after which no event is sent before the reader's rights have been seen again."""

REPLAY = 10_000
"""Events that a stream goes back at most; whoever is further behind reads the queue again."""

PAGE = 5
LARGEST_PAGE = 100
"""Events that a stream reads for itself at a time, when the feed no longer has them at hand. The
first page tells how large the account's events are."""


@dataclass(frozen=True, slots=True)
class Resync:
    """The client's position is of no use: read the queue again, and go on from `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Nothing happened; the stream stands at `number`."""

    number: int


@dataclass(frozen=True, slots=True)
class Bye:
    """The stream ends, and why.

    `drain`: connect again. `expired`: connect again with a fresh token. `rights`: sign in again.
    """

    reason: str


Item = Encoded | Resync | KeepAlive | Bye


class Stream:
    """One reader's way through the account's events. After a `Bye` comes nothing."""

    def __init__(self, hub: Hub, ear: Ear, position: int, *, good_for: float) -> None:
        self.position = position
        self._ends = asyncio.get_running_loop().time() + good_for
        self._hub = hub
        self._ear = ear
        self._wanted: str | None = None
        self._page = PAGE

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        hub: Hub,
        reader: Actor,
        resume_from: str | None,
        *,
        until: datetime,
        cut: Callable[[], None] | None = None,
    ) -> AsyncIterator["Stream"]:
        """A stream that stands: what is committed from here on will come.

        It goes on after `resume_from`, an event number, or starts with what comes next. `until`
        is when the reader's permission ends; `cut` ends the connection, whatever it has not sent.

        Raises:
            Unreachable: PostgreSQL does not say where the account's events stand.
        """
        good_for = (until - datetime.now(UTC)).total_seconds()
        async with hub.listen(reader, cut=cut) as ear:
            if resume_from is None:
                _, last = await hub.bounds(reader.account_id)
                yield cls(hub, ear, last, good_for=good_for)
            else:
                stream = cls(hub, ear, ear.feed.last, good_for=good_for)
                stream.resume(resume_from)
                yield stream

    def resume(self, number: str) -> None:
        """Goes on after the event with this number, as the client wrote it."""
        self._wanted = number
        self._ear.news.set()

    async def more(self) -> Sequence[Item]:
        """What to send next; waits for it."""
        clock = asyncio.get_running_loop().time
        silent_until = clock() + self._hub.manners.keep_alive
        while True:
            if bye := self._bye(clock()):
                return [bye]
            self._ear.news.clear()
            found = await self._found()
            if found:
                return found
            now = clock()
            if now >= silent_until:
                return [KeepAlive(self.position)]
            left = min(silent_until, self._ends) - now
            await _wait(self._ear.news, left if found is not None else min(left, PAUSE))

    def _bye(self, now: float) -> Bye | None:
        if not self._ear.may_read:
            return Bye("rights")
        if now >= self._ends:
            return Bye("expired")
        return Bye("drain") if self._hub.draining else None

    async def _found(self) -> Sequence[Item] | None:
        """What there is to send; None when that cannot be said, or must not be, at this moment."""
        if asyncio.get_running_loop().time() - self._ear.checked > RIGHTS_HOLD:
            return None
        try:
            if self._wanted is not None and (resync := await self._step_back(self._wanted)):
                return [resync]
            found = self._ear.feed.after(self.position)
            if found is None:
                found = await self._read_on()
        except outages.AWAY:
            return None
        if found:
            self.position = found[-1].number
        return found

    async def _read_on(self) -> list[Encoded]:
        account_id = self._ear.feed.account_id
        page, _ = await self._hub.history(
            account_id, self.position, limit=self._page, characters=BATCH_CHARACTERS
        )
        size = sum(len(event.text) for event in page) // max(len(page), 1)
        self._page = max(1, min(LARGEST_PAGE, BATCH_CHARACTERS // max(size, 1)))
        return page

    async def _step_back(self, wanted: str) -> Resync | None:
        """Goes to where the client stands, unless that is too old, unreadable or ahead."""
        number = _read(wanted)
        first, last = self._ear.feed.first, self._ear.feed.last
        if number is None or not first - 1 <= number <= last:
            # The feed may be behind the account, but the account is never behind a client.
            first, last = await self._hub.bounds(self._ear.feed.account_id)
        self._wanted = None
        if number is None or not max(first - 1, last - REPLAY) <= number <= last:
            self.position = last
            return Resync(last)
        self.position = number
        return None


def _read(number: str) -> int | None:
    readable = number.isascii() and number.isdigit() and len(number) < 19
    return int(number) if readable else None


async def _wait(news: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
