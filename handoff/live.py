"""The doorbell: live events over Redis pub/sub. Everything that it carries stands in PostgreSQL.

Channel and envelope are public: other programs may subscribe directly. A lost message costs
seconds, never an event, so nothing here may delay or fail what it announces.
"""

import asyncio
import json
from datetime import timedelta
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from handoff.contract import Envelope
from handoff.settings import Settings
from handoff.wire import jsonable

logger = structlog.get_logger(__name__)


def channel(account_id: UUID) -> str:
    """Where an account's events are rung."""
    return f"handoff:account:{account_id}"


def encode(envelope: Envelope) -> str:
    """The envelope as it goes over the wire, on Redis, SSE and WebSocket alike."""
    return json.dumps(jsonable(envelope), ensure_ascii=False, separators=(",", ":"))


def connect(settings: Settings) -> Redis:
    """A client that fails fast: a dead Redis must never hold anybody up."""
    return Redis.from_url(
        settings.redis_url.get_secret_value(),
        decode_responses=True,
        socket_connect_timeout=1,
        socket_timeout=2,
        socket_keepalive=True,
        health_check_interval=15,
        retry=Retry(NoBackoff(), 1),
    )


async def publish(redis: Redis, account_id: UUID, envelopes: list[Envelope]) -> None:
    """Rings once for each envelope, in order.

    Raises:
        redis.exceptions.RedisError, TimeoutError, OSError: when Redis did not take them all.
    """
    async with redis.pipeline(transaction=False) as pipeline:
        for envelope in envelopes:
            pipeline.publish(channel(account_id), encode(envelope))
        await pipeline.execute()


async def ring(
    redis: Redis, account_id: UUID, envelopes: list[Envelope], within: timedelta
) -> bool:
    """`publish`, at once and at most once: the workflow's push activity repeats it until taken."""
    try:
        async with asyncio.timeout(within.total_seconds()):
            await publish(redis, account_id, envelopes)
    except (RedisError, OSError, TimeoutError) as fault:
        logger.warning("doorbell.silent", account_id=str(account_id), cause=type(fault).__name__)
        return False
    return True
