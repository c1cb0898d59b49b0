"""The doorbell: live events over Redis pub/sub. Everything that it carries stands in PostgreSQL.

Channel and envelope are public: other programs may subscribe directly. A lost message costs
seconds, never an event, so nothing here may delay or fail what it announces, and nobody here
believes what stands in one.
"""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from handoff.contract.messages import Envelope
from handoff.settings import Settings
from handoff.wire import jsonable

logger = structlog.get_logger(__name__)

_LINE_ENDS = re.compile("[\x85\u2028\u2029]")

SILENT = (RedisError, OSError)
"""What Redis makes its callers see while it is away. A `TimeoutError` is an `OSError`."""

PEOPLE = "handoff:people"
"""Rung with an account's id when somebody of it may no longer read, or may again."""

RING_WITHIN = timedelta(seconds=0.5)
"""The bell is rung at once, but holds nobody up."""

SAY_WITHIN = 0.5
"""Seconds that Redis has to take word of a change of people."""

PAUSE = 0.2
"""Seconds between two tries to reach Redis."""

LOOK_EVERY = 0.1
"""Seconds within which a new account is subscribed to. Its feed reads PostgreSQL right then."""

PING_AFTER = 5.0
"""Seconds of silence after which Redis is asked for a sign of life."""

DEAF_AFTER = 10.0
"""Seconds of silence after which the connection counts as lost, however open it looks."""


def channel(account_id: UUID) -> str:
    """Where an account's events are rung."""
    return f"handoff:account:{account_id}"


def encode(envelope: Envelope) -> str:
    """The envelope as it goes over Redis, SSE and WebSocket alike: one line of JSON."""
    text = json.dumps(jsonable(envelope), ensure_ascii=False, separators=(",", ":"))
    # JSON escapes the controls below U+0020; many a reader splits lines at these three as well.
    return _LINE_ENDS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def new_client(settings: Settings) -> Redis:
    """A client that fails fast: a dead Redis must never hold anybody up."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        decode_responses=True,
        # Anybody may publish anything, and bytes that are no text must not end a subscription.
        encoding_errors="replace",
        socket_connect_timeout=1,
        socket_timeout=2,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
    )


async def publish(redis: Redis, account_id: UUID, envelopes: list[Envelope]) -> None:
    """Rings once for each envelope, in order.

    Raises:
        One of `SILENT`: Redis did not take them all.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        for envelope in envelopes:
            pipeline.publish(channel(account_id), encode(envelope))
        await pipeline.execute()


async def ring(
    redis: Redis,
    account_id: UUID,
    envelopes: list[Envelope],
    within: timedelta = RING_WITHIN,
) -> bool:
    """`publish`, at once and at most once: the workflow's push activity repeats it until taken."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await publish(redis, account_id, envelopes)
    except SILENT as fault:
        logger.warning("doorbell.silent", account_id=str(account_id), cause=type(fault).__name__)
        return False
    return True


async def people_changed(redis: Redis, account_id: UUID) -> None:
    """Has every open stream of the account ask at once whether its reader may still read.

    Without it, or without Redis, they ask within half a minute.
    """
    with suppress(*SILENT):
        async with asyncio.timeout(SAY_WITHIN):
            await redis.publish(PEOPLE, str(account_id))


class Doorbell:
    """A process's one subscription: calls `heard` when an account's bell may have been rung.

    It is called, too, whenever a subscription begins to stand, since before that nothing was
    heard. `people` is called when an account's people have changed; `accounts` says whose bells
    matter at this moment.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        accounts: Callable[[], set[UUID]],
        heard: Callable[[UUID], None],
        people: Callable[[UUID], None],
    ) -> None:
        self._redis = redis
        self._accounts = accounts
        self._heard = heard
        self._people = people
        self.subscribed: set[UUID] = set()

    async def run(self) -> None:
        """Follows Redis until it is cancelled, through any number of its restarts."""
        # What an earlier run had subscribed to went with it.
        self.subscribed = set()
        lost = False
        while True:
            try:
                async with self._redis.pubsub() as subscription:
                    await subscription.subscribe(PEOPLE)
                    lost = False
                    await self._follow(subscription)
            except SILENT as fault:
                if not lost:
                    logger.warning("doorbell.lost", cause=type(fault).__name__)
            except Exception:
                logger.exception("doorbell.broken")
            lost = True
            self.subscribed = set()
            await asyncio.sleep(PAUSE)

    async def _follow(self, subscription: Any) -> None:
        clock = asyncio.get_running_loop().time
        heard = asked = clock()
        while True:
            await self._subscribe(subscription)
            message = await subscription.get_message(timeout=LOOK_EVERY)
            if message is not None:
                heard = clock()
                self._hear(message)
            elif clock() - heard > DEAF_AFTER:
                raise TimeoutError
            elif clock() - max(heard, asked) > PING_AFTER:
                asked = clock()
                await subscription.ping()

    async def _subscribe(self, subscription: Any) -> None:
        wanted = self._accounts()
        if added := wanted - self.subscribed:
            await subscription.subscribe(*map(channel, added))
        if gone := self.subscribed - wanted:
            await subscription.unsubscribe(*map(channel, gone))
        self.subscribed = wanted

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] not in ("message", "subscribe"):
            return
        with suppress(ValueError):
            if message["channel"] != PEOPLE:
                self._heard(UUID(str(message["channel"]).rpartition(":")[2]))
            elif message["type"] == "message":
                self._people(UUID(str(message["data"])))
