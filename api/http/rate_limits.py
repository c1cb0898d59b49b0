"""How much one user, one account or one stranger's address may ask for, counted in Redis.

A limit protects everybody from a program that runs wild; it is no way to be kept out by a Redis
that is down or slow: then each process counts for itself.

Counting every request in Redis would cost more than most requests do. So a process takes a
portion (a hundredth of the limit) at once and spends it by itself; limits below 200 are exact.
"""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import Redis

from handoff.contract.people import Actor
from handoff.errors import TooMany
from handoff.settings import Settings

logger = structlog.get_logger(__name__)

WITHIN = 0.05
"""Seconds that Redis has to say how much is left."""

ALONE_FOR = 1.0
"""Seconds for which it is not asked again when it did not."""

PORTIONS = 100
KEPT_FOR = 0.1
"""The part of a limit's window after which what is left of a portion is given up."""

REFUSED_FOR = 1.0
"""Seconds for which a refusal is repeated without asking again, at most."""

MOST_PURSES = 10_000

Said = TypeVar("Said")


@dataclass(frozen=True, slots=True)
class Limit:
    """So many of something in a window of seconds. An amount of 0 means: no limit."""

    name: str
    amount: int
    seconds: int

    @property
    def item(self) -> RateLimitItemPerSecond:
        """The same in the library's words."""
        return RateLimitItemPerSecond(self.amount, self.seconds, namespace=self.name)

    @property
    def portion(self) -> int:
        """How much is taken at once."""
        return max(1, self.amount // PORTIONS)


class RateLimits:
    """Says no, with `TooMany`, when somebody asks for too much."""

    def __init__(self, settings: Settings, redis: Redis) -> None:
        self._user = Limit("user", settings.rate_requests_per_user, 60)
        self._account = Limit("account", settings.rate_requests_per_account, 60)
        self._creates = Limit("creates", settings.rate_creates_per_user, 60)
        self._trials = Limit("test-notifications", settings.rate_trials_per_user, 3600)
        self._calls = Limit("calls", settings.rate_calls_per_user, 60)
        self._failures = Limit("failures", settings.rate_failures_per_address, 60)
        # Whoever has a link may look at it, so it is counted as what strangers do.
        self._links = Limit("links", settings.rate_failures_per_address, 60)
        self._counters = _Counters(redis)
        self._purses: dict[tuple[str, str], _Purse] = {}

    async def request(self, caller: Actor) -> None:
        """Any request of somebody known."""
        await self._spend(self._user, str(caller.id))
        await self._spend(self._account, str(caller.account_id))

    async def create(self, caller: Actor) -> None:
        """A new handoff."""
        await self._spend(self._creates, str(caller.id))

    async def call(self, caller: Actor) -> None:
        """A command that calls people: real mail, to everybody whom the policy names."""
        await self._spend(self._calls, str(caller.id))

    async def trial(self, caller: Actor) -> None:
        """A test notification: real mail, to the caller themselves."""
        await self._spend(self._trials, str(caller.id))

    async def failure(self, peer: str | None) -> None:
        """A request of nobody known, by the address that is at the other end of the connection.

        What a proxy says of its clients could be said by anybody. So the limit only replaces a
        401; it never meets somebody who comes from the same address and is known.
        """
        await self._spend(self._failures, _network(peer))

    def stranger(self, peer: str | None) -> None:
        """Refuses what has proved nothing before it costs anything, while its address is over the
        limit."""
        self._must_not_be_refused(self._failures, _network(peer))

    def named(self, user_id: UUID) -> None:
        """The same for somebody who is named by a good signature, whoever that is by now."""
        self._must_not_be_refused(self._failures, str(user_id))
        self._must_not_be_refused(self._user, str(user_id))

    async def nobody(self, user_id: UUID) -> None:
        """A good signature for somebody who is not known any more."""
        await self._spend(self._failures, str(user_id))

    async def link(self, user_id: UUID) -> None:
        """A look at what this person's claim links show. Their own requests are not concerned."""
        await self._spend(self._links, str(user_id))

    def _must_not_be_refused(self, limit: Limit, key: str) -> None:
        purse = self._purses.get((limit.name, key))
        now = time.monotonic()
        if purse is not None and now < purse.refused_until:
            raise _refusal(limit, purse.full_at - now)

    async def _spend(self, limit: Limit, key: str) -> None:
        if not limit.amount:
            return
        purse = self._purse(limit.name, key)
        async with purse.lock:
            now = time.monotonic()
            if now < purse.refused_until:
                raise _refusal(limit, purse.full_at - now)
            if purse.left and now < purse.until:
                purse.left -= 1
                return
            await self._fill(purse, limit, key, now)

    async def _fill(self, purse: "_Purse", limit: Limit, key: str, now: float) -> None:
        for cost in sorted({limit.portion, 1}, reverse=True):
            if await self._counters.take(limit, key, cost):
                purse.left, purse.until = cost - 1, now + limit.seconds * KEPT_FOR
                return
        wait = await self._counters.wait(limit, key)
        purse.left, purse.full_at = 0, now + wait
        purse.refused_until = now + min(wait, REFUSED_FOR)
        raise _refusal(limit, wait)

    def _purse(self, name: str, key: str) -> "_Purse":
        if len(self._purses) > MOST_PURSES:
            now = time.monotonic()
            self._purses = {
                place: purse for place, purse in self._purses.items() if not purse.is_idle(now)
            }
        return self._purses.setdefault((name, key), _Purse())


@dataclass(slots=True)
class _Purse:
    """What this process may still spend, of one limit for one key."""

    left: int = 0
    until: float = 0.0
    refused_until: float = 0.0
    full_at: float = 0.0
    """When there is something to take again, as far as was told."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_idle(self, now: float) -> bool:
        return now > max(self.until, self.refused_until) and not self.lock.locked()


class _Counters:
    """The counts that all processes share, or our own while Redis does not answer."""

    def __init__(self, redis: Redis) -> None:
        shared = RedisStorage(
            "async+redis://",
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="handoff:limits",
            # Typed as if it could only be written into an address.
            connection_pool=redis.connection_pool,  # type: ignore[arg-type]
        )
        self._shared = SlidingWindowCounterRateLimiter(shared)
        self._own = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._alone_until = 0.0

    async def take(self, limit: Limit, key: str, cost: int) -> bool:
        """Whether so much could be taken. Nothing is taken otherwise."""
        return await self._ask(lambda counts: counts.hit(limit.item, key, cost=cost))

    async def wait(self, limit: Limit, key: str) -> float:
        """Seconds until there is something to take again."""
        stats = await self._ask(lambda counts: counts.get_window_stats(limit.item, key))
        return max(stats.reset_time - time.time(), 0.0)

    async def _ask(
        self, question: Callable[[SlidingWindowCounterRateLimiter], Awaitable[Said]]
    ) -> Said:
        if time.monotonic() >= self._alone_until:
            try:
                async with asyncio.timeout(WITHIN):
                    return await question(self._shared)
            except (StorageError, OSError, TimeoutError) as fault:
                logger.warning("limits.alone", cause=type(fault).__name__)
                self._alone_until = time.monotonic() + ALONE_FOR
        return await question(self._own)


def _refusal(limit: Limit, wait: float) -> TooMany:
    return TooMany(
        "Wait before you ask again.",
        retry_after=round(wait, 3),
        limit={"name": limit.name, "amount": limit.amount, "seconds": limit.seconds},
    )


def _network(peer: str | None) -> str:
    """The address; of an IPv6 one the /64, which is what a single customer is given."""
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))
