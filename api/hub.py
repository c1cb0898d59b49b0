"""One Redis subscription and one reader per account, whatever the number of streams.

Redis only rings: a ring makes the account's feed read PostgreSQL, once for all of its streams, and
so does a quiet while. What streams send always comes from the record; nothing that stands in a
Redis message is believed. While Redis is down, feeds go on by reading.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from handoff import live
from handoff.contract import Envelope
from handoff.database import Database, events

logger = structlog.get_logger(__name__)

PAGE = 200
KEPT = 256
"""Events that a feed keeps at hand; a stream that is further behind reads PostgreSQL itself."""

PAUSE = 0.5
HEAR_NEW_ACCOUNTS_WITHIN = 0.25


@dataclass(frozen=True, slots=True)
class Rung:
    """One event, encoded once for all streams."""

    number: int
    type: str
    text: str

    @classmethod
    def of(cls, envelope: Envelope) -> "Rung":
        """The envelope as streams send it."""
        kind = envelope.type.removeprefix("handoff.")
        return cls(int(envelope.id), kind, live.encode(envelope))


class Feed:
    """One account's newest events, and the streams that wait for more."""

    def __init__(self, account_id: UUID) -> None:
        self.account_id = account_id
        self.rung = asyncio.Event()
        self.started = asyncio.Event()
        self.last = 0
        self.waiting: set[asyncio.Event] = set()
        self._kept: deque[Rung] = deque(maxlen=KEPT)

    def add(self, rung: Sequence[Rung]) -> None:
        """Takes in what PostgreSQL has, and wakes everybody."""
        self._kept.extend(rung)
        self.last = rung[-1].number
        self.wake()

    def wake(self) -> None:
        """Lets every stream look again."""
        for ear in self.waiting:
            ear.set()

    def after(self, number: int) -> list[Rung] | None:
        """What follows `number`; None when that lies further back than what is kept."""
        if number >= self.last:
            return []
        if not self._kept or self._kept[0].number > number + 1:
            return None
        return [rung for rung in self._kept if rung.number > number]


class Hub:
    """The process's feeds. `run` follows Redis; `listen` gives a stream its feed."""

    def __init__(self, redis: Redis, database: Database, *, quiet: timedelta) -> None:
        self._redis = redis
        self._database = database
        self._quiet = quiet.total_seconds()
        self._feeds: dict[UUID, Feed] = {}
        self._readers: dict[UUID, asyncio.Task[None]] = {}
        self._accounts_changed = asyncio.Event()
        self.draining = asyncio.Event()

    @asynccontextmanager
    async def listen(self, account_id: UUID) -> AsyncIterator[tuple[Feed, asyncio.Event]]:
        """The account's feed, and an event that is set when there may be more."""
        feed = self._feeds.get(account_id) or self._open(account_id)
        ear = asyncio.Event()
        feed.waiting.add(ear)
        try:
            await feed.started.wait()
            yield feed, ear
        finally:
            feed.waiting.discard(ear)
            if not feed.waiting:
                self._shut(feed)

    async def history(self, account_id: UUID, number: int) -> list[Rung]:
        """A page of what follows `number`, read from PostgreSQL."""
        async with self._database.account(account_id) as tenant:
            found = await events.after(tenant, number, limit=PAGE)
        return [Rung.of(envelope) for envelope in found]

    async def bounds(self, account_id: UUID) -> tuple[int, int]:
        """The first and the last event number that the account has."""
        async with self._database.account(account_id) as tenant:
            return await events.bounds(tenant)

    def drain(self) -> None:
        """Tells every stream to say goodbye."""
        self.draining.set()
        for feed in self._feeds.values():
            feed.wake()

    def _open(self, account_id: UUID) -> Feed:
        feed = self._feeds[account_id] = Feed(account_id)
        self._readers[account_id] = asyncio.create_task(self._read(feed))
        self._accounts_changed.set()
        return feed

    def _shut(self, feed: Feed) -> None:
        if self._feeds.get(feed.account_id) is feed:
            del self._feeds[feed.account_id]
            self._readers.pop(feed.account_id).cancel()
            self._accounts_changed.set()

    async def _read(self, feed: Feed) -> None:
        """Reads at each ring, and after each quiet while, for as long as somebody listens."""
        while True:
            try:
                await self._catch_up(feed)
            except (SQLAlchemyError, OSError, TimeoutError) as fault:
                logger.warning("feed.unread", cause=type(fault).__name__)
                await asyncio.sleep(PAUSE)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(self._quiet):
                    await feed.rung.wait()

    async def _catch_up(self, feed: Feed) -> None:
        if not feed.started.is_set():
            _, feed.last = await self.bounds(feed.account_id)
            feed.started.set()
        feed.rung.clear()
        while found := await self.history(feed.account_id, feed.last):
            feed.add(found)
            if len(found) < PAGE:
                return

    async def run(self) -> None:
        """Follows Redis until it is cancelled, through any number of its restarts."""
        while True:
            try:
                await self._follow()
            except (RedisError, OSError, TimeoutError) as fault:
                logger.warning("doorbell.lost", cause=type(fault).__name__)
                await asyncio.sleep(PAUSE)

    async def _follow(self) -> None:
        async with self._redis.pubsub() as subscription:
            subscribed: set[UUID] = set()
            while True:
                subscribed = await self._subscribe(subscription, subscribed)
                if not subscribed:
                    await self._accounts_changed.wait()
                    self._accounts_changed.clear()
                    continue
                message = await subscription.get_message(timeout=HEAR_NEW_ACCOUNTS_WITHIN)
                if message is not None:
                    self._hear(message)

    async def _subscribe(self, subscription: Any, subscribed: set[UUID]) -> set[UUID]:
        wanted = set(self._feeds)
        if added := wanted - subscribed:
            await subscription.subscribe(*map(live.channel, added))
        if gone := subscribed - wanted:
            await subscription.unsubscribe(*map(live.channel, gone))
        return wanted

    def _hear(self, message: dict[str, Any]) -> None:
        """A ring, or word that the subscription stands: before it nothing was heard."""
        with suppress(ValueError):
            feed = self._feeds.get(UUID(str(message["channel"]).rpartition(":")[2]))
            if feed is not None and message["type"] in ("message", "subscribe"):
                feed.rung.set()
