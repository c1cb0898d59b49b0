"""Who is there: advisory, forgetful, in Redis alone. Without Redis nobody is shown.

A register is a Redis hash whose entries are good for a while and must be renewed. One that a dead
process has left is shown to nobody, and taken away by whoever renews the register next; a register
that nobody renews ends by itself. Nothing about it reaches the append-only history, and nothing
depends on it.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import structlog
from redis.asyncio import Redis

from api.live.hub import Hub
from handoff.live import SILENT

logger = structlog.get_logger(__name__)

ONLINE_FOR = 45.0
"""Seconds that somebody counts as online after a process last said so."""

RENEW_EVERY = 15.0

VIEWING_FOR = 30.0
"""Seconds that somebody counts as looking at a handoff after their page last said so."""

WRITING_FOR = 8.0
"""The same for whoever writes a note."""

SETTLE = 0.1
"""Seconds in which comings and goings are gathered: a thousand at once are one message."""

WITHIN = 0.5
"""Seconds that Redis has to answer a request."""


class Presence:
    """The registers of one process."""

    def __init__(self, redis: Redis, hub: Hub) -> None:
        self._redis = redis
        self._hub = hub
        # Several processes serve the same person; each speaks for its own streams alone.
        self._process = uuid4().hex[:12]
        self._said: dict[UUID, set[UUID]] = {}
        self._swept_at = 0.0

    async def run(self) -> None:
        """Says who listens here: at once when that changes, and again and again."""
        while True:
            self._hub.people_came_or_went.clear()
            try:
                await self._say()
                await self._sweep()
            except SILENT as fault:
                logger.debug("presence.unsaid", cause=type(fault).__name__)
            except Exception:
                logger.exception("presence.broken")
            with suppress(TimeoutError):
                async with asyncio.timeout(RENEW_EVERY):
                    await self._hub.people_came_or_went.wait()
            await asyncio.sleep(SETTLE)

    async def _say(self) -> None:
        listening = self._hub.listening()
        gone = {
            account_id: said - set(listening.get(account_id, {}))
            for account_id, said in self._said.items()
        }
        now = _now()
        # A transaction: no register is ever without an end, whenever this process dies.
        async with self._redis.pipeline() as pipeline:
            for account_id, left in gone.items():
                if left:
                    pipeline.hdel(_online(account_id), *(self._field(user) for user in left))
            for account_id, people in listening.items():
                if people:
                    said: dict[Any, Any] = {
                        self._field(user): _entry(since.timestamp(), now + ONLINE_FOR)
                        for user, since in people.items()
                    }
                    pipeline.hset(_online(account_id), mapping=said)
                    pipeline.expire(_online(account_id), int(ONLINE_FOR))
            if len(pipeline):
                await pipeline.execute()
        self._said = {account_id: set(people) for account_id, people in listening.items()}

    async def _sweep(self) -> None:
        """Takes away what is not good any more: else a register that always somebody renews would
        keep the entries of every process that ever died."""
        if _now() < self._swept_at + RENEW_EVERY:
            return
        self._swept_at = _now()
        for account_id in self._said:
            key = _online(account_id)
            if left := _left_over(await self._redis.hgetall(key)):
                await self._redis.hdel(key, *left)

    def _field(self, user_id: UUID) -> str:
        return f"{user_id}/{self._process}"

    async def leave(self) -> None:
        """Nobody listens here any more."""
        with suppress(*SILENT):
            async with asyncio.timeout(WITHIN):
                await self._say()

    async def online(self, account_id: UUID) -> dict[UUID, datetime]:
        """Who of the account has a live stream, and since when."""
        return await self._present(_online(account_id))

    async def viewing(self, account_id: UUID, handoff_id: UUID) -> dict[UUID, datetime]:
        """Who looks at the handoff, and since when."""
        return await self._present(_viewing(account_id, handoff_id))

    async def writing(self, account_id: UUID, handoff_id: UUID) -> dict[UUID, datetime]:
        """Who writes a note on the handoff, and since when."""
        return await self._present(_writing(account_id, handoff_id))

    async def look(
        self, account_id: UUID, handoff_id: UUID, user_id: UUID, *, writes: bool = False
    ) -> None:
        """Somebody looks at the handoff, for a while, and writes a note perhaps."""
        await self._enter(_viewing(account_id, handoff_id), user_id, VIEWING_FOR)
        if writes:
            await self._enter(_writing(account_id, handoff_id), user_id, WRITING_FOR)

    async def _enter(self, key: str, user_id: UUID, seconds: float) -> None:
        with suppress(*SILENT):
            async with asyncio.timeout(WITHIN):
                said = await self._redis.hgetall(key)
                before = _present(said).get(user_id)
                since = before.timestamp() if before else _now()
                async with self._redis.pipeline() as pipeline:
                    if left := _left_over(said):
                        pipeline.hdel(key, *left)
                    pipeline.hset(key, str(user_id), _entry(since, _now() + seconds))
                    pipeline.expire(key, int(seconds))
                    await pipeline.execute()

    async def _present(self, key: str) -> dict[UUID, datetime]:
        with suppress(*SILENT):
            async with asyncio.timeout(WITHIN):
                return _present(await self._redis.hgetall(key))
        return {}


def _online(account_id: UUID) -> str:
    return f"handoff:online:{account_id}"


def _viewing(account_id: UUID, handoff_id: UUID) -> str:
    return f"handoff:viewing:{account_id}:{handoff_id}"


def _writing(account_id: UUID, handoff_id: UUID) -> str:
    return f"handoff:writing:{account_id}:{handoff_id}"


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _entry(since: float, until: float) -> str:
    return f"{since:.3f} {until:.3f}"


def _present(entries: Mapping[Any, Any]) -> dict[UUID, datetime]:
    """The entries that are still good; the earliest of each person's."""
    found: dict[UUID, datetime] = {}
    for field, entry in entries.items():
        if (good := _good(field, entry)) is not None:
            user_id, began = good
            found[user_id] = min(found.get(user_id, began), began)
    return found


def _left_over(entries: Mapping[Any, Any]) -> list[str]:
    """The fields of those that are not."""
    return [str(field) for field, entry in entries.items() if _good(field, entry) is None]


def _good(field: Any, entry: Any) -> tuple[UUID, datetime] | None:
    # Redis believes everybody: what is not of this form is passed over.
    with suppress(ValueError, OverflowError, OSError):
        user_id = UUID(str(field).partition("/")[0])
        since, until = map(float, str(entry).split())
        if until > _now():
            return user_id, datetime.fromtimestamp(since, UTC)
    return None
