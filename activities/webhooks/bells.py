"""Who of this process waits for an account's bell: Redis is listened to while somebody does."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from redis.asyncio import Redis

from handoff import live

QUIET = 30.0
"""Seconds after which PostgreSQL is read although nothing rang: a ring can be lost."""


@dataclass(eq=False, slots=True)
class Ear:
    """One waiting follower."""

    rung: asyncio.Event = field(default_factory=asyncio.Event)


class Bells:
    """A process's one subscription, for all of its followers."""

    def __init__(self, redis: Redis, *, quiet: float) -> None:
        """`quiet`: the same seconds while Redis is away."""
        self._ears: dict[UUID, set[Ear]] = {}
        self._quiet = quiet
        self._doorbell = live.Doorbell(
            redis, accounts=lambda: set(self._ears), heard=self._ring, people=self._ring
        )
        self._listening: asyncio.Task[None] | None = None

    @contextmanager
    def hear(self, account_id: UUID) -> Iterator[Ear]:
        """Rung by each event of the account, and when what its programs may hear has changed."""
        ear = Ear()
        self._ears.setdefault(account_id, set()).add(ear)
        if self._listening is None:
            self._listening = asyncio.create_task(self._doorbell.run())
        try:
            yield ear
        finally:
            self._ears[account_id].discard(ear)
            if not self._ears[account_id]:
                del self._ears[account_id]
            if not self._ears and self._listening is not None:
                self._listening.cancel()
                self._listening = None

    def quiet(self, account_id: UUID) -> float:
        """After how many quiet seconds to look all the same."""
        return QUIET if account_id in self._doorbell.subscribed else self._quiet

    def _ring(self, account_id: UUID) -> None:
        for ear in self._ears.get(account_id, ()):
            ear.rung.set()
