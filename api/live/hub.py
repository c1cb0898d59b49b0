"""One feed per account, whatever the number of its streams, and who is listening to it.

A ring at the door makes a feed read PostgreSQL, once for all of its streams, and so does a quiet
while. What streams send always comes from the record; nothing that stands in a Redis message is
believed. While Redis is down feeds go on by reading; while PostgreSQL is down they wait for it.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from uuid import UUID

import structlog

from api.live.feed import KEPT_CHARACTERS, PAGE, Ear, Encoded, Feed, batch
from api.live.manners import Manners
from api.live.rights import check_rights
from handoff.contract.people import Actor
from handoff.database import events, outages
from handoff.database.gate import Database
from handoff.errors import TooManyStreams, Unreachable

logger = structlog.get_logger(__name__)

PAUSE = 0.5
"""Seconds between two tries to read PostgreSQL."""

TRY_AFTER = 5.0
"""Seconds after which somebody with too many streams may find that one has ended."""

OPEN_WITHIN = 3.0
"""Seconds that PostgreSQL has to answer before a new stream is refused."""


class Hub:
    """The process's feeds. `listen` gives a stream its place at one."""

    def __init__(self, database: Database, manners: Manners) -> None:
        self.manners = manners
        self.draining = False
        self.people_came_or_went = asyncio.Event()
        self._database = database
        self._feeds: dict[UUID, Feed] = {}
        self._reading: dict[UUID, asyncio.Task[None]] = {}
        self._streams = 0
        self._held: Counter[UUID] = Counter()
        self._nobody = asyncio.Event()
        self._nobody.set()

    @asynccontextmanager
    async def listen(
        self, reader: Actor, *, cut: Callable[[], None] | None = None
    ) -> AsyncIterator[Ear]:
        """A place at the account's feed. `cut` ends the connection, whatever it has not sent.

        Raises:
            TooManyStreams: the reader holds as many as may be.
            Unreachable: PostgreSQL does not say where the account's events stand.
        """
        with self._one_more(reader.id):
            async with self._at_feed(reader, cut) as ear:
                yield ear

    @contextmanager
    def _one_more(self, reader_id: UUID) -> Iterator[None]:
        most = self.manners.most
        if most and self._held.get(reader_id, 0) >= most:
            raise TooManyStreams(
                "Close another live stream first.",
                retry_after=TRY_AFTER,
                limit={"name": "streams", "amount": most},
            )
        self._held[reader_id] += 1
        try:
            yield
        finally:
            self._held[reader_id] -= 1
            if not self._held[reader_id]:
                del self._held[reader_id]

    @asynccontextmanager
    async def _at_feed(self, reader: Actor, cut: Callable[[], None] | None) -> AsyncIterator[Ear]:
        feed = self._feeds.get(reader.account_id) or self._open(reader.account_id)
        ear = Ear(feed, reader, since=datetime.now(UTC), cut=cut)
        feed.ears.add(ear)
        self._count(+1)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(OPEN_WITHIN):
                    await feed.started.wait()
            if not feed.started.is_set():
                raise Unreachable("The record does not answer. Connect again.")
            yield ear
        finally:
            feed.ears.discard(ear)
            self._count(-1)
            # The reader ends by itself when nobody is left, and not in the middle of a query.
            feed.rung.set()

    async def history(
        self, account_id: UUID, number: int, *, limit: int, characters: int
    ) -> tuple[list[Encoded], bool]:
        """A page of what follows `number`, read from PostgreSQL, and whether there may be more.

        It is cut at so many characters, but has one event at least: encoded, each of a handoff's
        events has a copy of its texts.
        """
        async with self._database.account(account_id) as tenant:
            found = await events.after(tenant, number, limit=limit)
        page = batch((Encoded.of(envelope) for envelope in found), characters)
        return page, len(found) == limit or len(page) < len(found)

    async def bounds(self, account_id: UUID) -> tuple[int, int]:
        """The first and the last event number that the account has."""
        async with self._database.account(account_id) as tenant:
            return await events.bounds(tenant)

    @property
    def accounts(self) -> set[UUID]:
        """Whose events are followed."""
        return set(self._feeds)

    @property
    def feeds(self) -> list[Feed]:
        """One for each of them."""
        return list(self._feeds.values())

    @property
    def streams(self) -> int:
        """How many are open."""
        return self._streams

    def listening(self) -> dict[UUID, dict[UUID, datetime]]:
        """By account, who listens in this process, and since when."""
        return {account_id: feed.readers() for account_id, feed in self._feeds.items()}

    def heard(self, account_id: UUID) -> None:
        """The account's bell may have been rung."""
        if feed := self._feeds.get(account_id):
            feed.rung.set()

    def people_changed(self, account_id: UUID) -> None:
        """Somebody of the account may no longer read."""
        if feed := self._feeds.get(account_id):
            feed.doubted = True
            feed.rung.set()

    async def say_goodbye(self, *, within: float) -> None:
        """Tells every stream to end, and cuts off those that have not in time."""
        self.draining = True
        for feed in self._feeds.values():
            feed.wake()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._nobody.wait()
        for feed in self._feeds.values():
            for ear in feed.ears:
                ear.cut()

    async def close(self) -> None:
        """Stops reading."""
        reading = list(self._reading.values())
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    def _count(self, change: int) -> None:
        self._streams += change
        self.people_came_or_went.set()
        if self._streams:
            self._nobody.clear()
        else:
            self._nobody.set()

    def _open(self, account_id: UUID) -> Feed:
        feed = self._feeds[account_id] = Feed(account_id)
        self._reading[account_id] = asyncio.create_task(self._read(feed))
        return feed

    def _shut(self, account_id: UUID) -> None:
        del self._feeds[account_id], self._reading[account_id]

    async def _read(self, feed: Feed) -> None:
        """Reads at each ring, and after each quiet while, for as long as somebody listens."""
        try:
            # Nothing is awaited between the last look at the ears and the end: a new stream finds
            # either a feed that goes on or none.
            while feed.ears:
                wait = self.manners.quiet if await self._has_read(feed) else PAUSE
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait, self.manners.rights)):
                        await feed.rung.wait()
        finally:
            self._shut(feed.account_id)

    async def _has_read(self, feed: Feed) -> bool:
        feed.rung.clear()
        try:
            await check_rights(self._database, feed, every=self.manners.rights)
            await self._catch_up(feed)
        except outages.AWAY as fault:
            if not feed.unread:
                logger.warning("feed.unread", cause=outages.cause(fault))
        except Exception:
            # Whatever it was: the account's streams must not fall silent for good.
            logger.exception("feed.broken")
        else:
            feed.unread = False
            return True
        feed.unread = True
        return False

    async def _catch_up(self, feed: Feed) -> None:
        if not feed.started.is_set():
            feed.first, feed.last = await self.bounds(feed.account_id)
            feed.started.set()
        more = True
        while more:
            found, more = await self.history(
                feed.account_id, feed.last, limit=PAGE, characters=KEPT_CHARACTERS
            )
            if found:
                feed.add(found)
